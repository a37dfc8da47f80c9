"""Training tricks: six experiments, and what else was measured."""
