"""What the lab changes in Streamlit is looked for at the start."""

import pytest

from pages.server.compat import require


class Runner:
    def run(self): ...


def test_what_is_there_is_found():
    require(Runner, "run")


def test_a_name_that_has_gone_ends_the_start_with_a_sentence():
    with pytest.raises(RuntimeError, match="has no step in Runner any more"):
        require(Runner, "run", "step")
