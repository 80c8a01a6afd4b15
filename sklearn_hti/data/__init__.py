"""Checked, encoded and thinned training rows."""
