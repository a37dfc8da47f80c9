"""Adversarial photographs: what to ask for, the methods, and questions about the result."""
