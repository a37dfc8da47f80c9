"""The ideal image: drawn from noise until a network is sure of it (feature visualisation)."""
