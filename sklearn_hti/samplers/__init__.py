"""Draws of y at the base anchor."""
