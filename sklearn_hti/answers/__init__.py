"""What a fitted surrogate answers: draws, moved outputs, interpolation, the page."""
