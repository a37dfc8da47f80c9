"""Ideal images: pictures of what a network would most like to see."""
