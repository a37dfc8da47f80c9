"""The figures of docs/measured.md; ``python -m tl_core bench NAME`` runs one."""
