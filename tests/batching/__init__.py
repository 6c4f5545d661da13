"""Evaluations in batches against a loopback server, by clients that may be killed."""
