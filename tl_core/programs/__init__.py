"""Programs in plain PyTorch that do what the lab does."""
