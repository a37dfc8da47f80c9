"""Generated hostile input, any number of cases by seed.

A module here adds its kinds in a tuple ``KINDS`` of ``registry.Kind``; nothing else has to know.
``python -m tests.fuzz`` runs them, tests/unit/test_fuzz.py some of them in every test run.
"""
