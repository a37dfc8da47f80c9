"""Gradient descent on pixels: what ideal images and attacks share."""
