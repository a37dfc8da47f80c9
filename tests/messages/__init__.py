"""The catalogues of messages: what is in the code, and what each language makes of it."""
