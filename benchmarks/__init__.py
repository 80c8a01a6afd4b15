"""Measurements behind the figures in the documentation; each module prints its own table."""
