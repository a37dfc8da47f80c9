"""A frozen network on a processor: forward, and back to its inputs, faster than by autograd."""
