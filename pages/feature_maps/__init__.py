"""Feature maps: layers, channels, and where photographs lie in feature space."""
