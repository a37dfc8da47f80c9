"""Saliency maps of one answer, and whether they are faithful."""
