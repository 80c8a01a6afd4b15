"""How far a fitted surrogate can be trusted."""
