"""The feature maps of a layer, one channel, and where photographs lie in feature space."""
