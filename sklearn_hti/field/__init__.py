"""From couplings to trajectories."""
