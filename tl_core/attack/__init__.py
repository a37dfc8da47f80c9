"""Adversarial attacks: one photograph, a small change, and the network sees something else."""
