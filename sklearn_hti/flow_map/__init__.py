"""One network that moves an output from any lambda to any other."""
