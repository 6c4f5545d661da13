"""What nextstep is about, as pure functions over frozen records: no files, clock, network or database."""
