"""The parts of the page about the visitor's path."""
