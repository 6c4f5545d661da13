"""Transcripts and suites on disk -> sessions and moments."""
