"""What is changed in Streamlit from outside, a file each, and a look whether it can be."""

import streamlit as st


def require(owner: object, *names: str) -> None:
    """Look for what a change relies on; asked at the server's start.

    Raises:
        RuntimeError: If this version of Streamlit has it no longer.
    """
    gone = [name for name in names if not hasattr(owner, name)]
    if gone:
        whose = getattr(owner, "__name__", type(owner).__name__)
        raise RuntimeError(
            f"Streamlit {st.__version__} has no {gone[0]} in {whose} any more, which the lab "
            "changes. Install the version of requirements.txt, or see whether the change can go."
        )
