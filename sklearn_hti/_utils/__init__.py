"""Helpers without a theme of the field: random numbers, files, parameters, what may be stored."""
