"""How often a page looks at what runs."""

from types import SimpleNamespace

import pytest

from pages.shared import live


@pytest.mark.parametrize(("running", "queued", "seconds"), [(1, 0, 0.5), (4, 3, 1.0), (8, 24, 2.0)])
def test_the_more_runs_there_are_the_fewer_looks_at_each(monkeypatch, running, queued, seconds):
    status = SimpleNamespace(running=running, queued=queued)
    monkeypatch.setattr(live, "the_lab", lambda: SimpleNamespace(status=lambda: status))
    assert live.poll_s() == seconds
