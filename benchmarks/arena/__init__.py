"""The arena: rivals that need labels, training code or checkpoints, beside those of outputs."""
