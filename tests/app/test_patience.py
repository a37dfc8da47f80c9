"""No page keeps a visitor waiting for long, however many answers it draws."""

from tl_core.lab import Job


def test_all_answers_of_a_page_share_its_patience(open_page, app_lab, monkeypatch):
    page, waits = open_page("home"), []

    def nobody_answers(spec, owner, timeout_s):
        waits.append(timeout_s)
        page.session_state["visit"].drawn_at -= timeout_s  # as if it had been waited
        return Job(spec, owner)

    monkeypatch.setattr(app_lab.jobs, "ask", nobody_answers)
    page.switch_page("pages/backbones.py").run()
    assert not page.exception
    assert waits[:3] == [0, 0, 0]  # all are asked before any is waited for
    assert len(waits) == 6
    assert sum(waits) <= 2.0
