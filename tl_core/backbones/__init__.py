"""Pretrained networks: the table of them, a loaded one, and the store that finds and keeps them."""
