"""Training tricks: five experiments, and what else was measured."""
