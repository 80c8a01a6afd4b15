"""How far along the way from anchor to anchor a lambda is."""
