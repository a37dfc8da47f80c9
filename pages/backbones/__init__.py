"""Backbones: a pretrained network answers, beside all others."""
