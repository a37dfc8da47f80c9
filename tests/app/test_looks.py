"""How often a page looks at what runs."""

from types import SimpleNamespace

import pytest

from pages.shared import live


@pytest.mark.parametrize(("count", "seconds"), [(1, 0.5), (4, 0.5), (7, 1.0), (32, 2.0)])
def test_the_more_runs_there_are_the_fewer_looks_at_each(monkeypatch, count, seconds):
    jobs = SimpleNamespace(count=lambda: count)
    monkeypatch.setattr(live, "the_lab", lambda: SimpleNamespace(jobs=jobs))
    assert live.poll_s() == seconds
