"""What `import nextstep` gives to programs and notebooks: whole jobs as functions, results as Arrow tables."""
