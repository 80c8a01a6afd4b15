"""Regressions, conditional moments, neighbours and distances of samples."""
