"""Rows -> what people read. Nothing here queries or computes a figure."""
