"""The figures that the README quotes; ``python -m tl_core bench NAME`` runs one."""
