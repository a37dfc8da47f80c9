"""Training a network on new classes: the handlers and what they share."""
