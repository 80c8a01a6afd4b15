"""Networks and the engine that trains them."""
