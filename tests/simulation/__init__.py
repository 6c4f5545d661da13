"""Simulated evaluations whose truth is known, run through the real estimators: `make simulate`."""
