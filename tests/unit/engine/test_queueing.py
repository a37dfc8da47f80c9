from typing import Any

import pytest

from tl_core.engine.job import Job
from tl_core.engine.queueing import MOST_QUESTIONS, refuse_excess
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.specs.base import Spec
from tl_core.specs.classify import Classify
from tl_core.specs.ideal import IdealImage

LONG, QUICK = IdealImage(), Classify(photo="sample:cat")


def refuse(spec: Spec, owner: str, queue: list[Job], tmp_path, **limits: Any) -> None:
    settings = Settings(data_dir=tmp_path, weights_dir=tmp_path, **limits)
    refuse_excess(spec, owner, queue=queue, active=queue, settings=settings)


def test_a_quick_question_is_taken_however_full_the_lab_is(tmp_path):
    queue = [Job(LONG, f"tab {number // 6}") for number in range(208)]
    refuse(QUICK, "tab 0", queue, tmp_path)
    refuse(QUICK, "new", queue, tmp_path)


def test_a_visitor_may_have_no_more_quick_questions_than_pages_ask(tmp_path):
    queue = [Job(QUICK, "ann") for _ in range(MOST_QUESTIONS)]
    with pytest.raises(UserError, match="still answering"):
        refuse(QUICK, "ann", queue, tmp_path)
    refuse(QUICK, "bob", queue, tmp_path)


def test_quick_questions_take_nobodys_place(tmp_path):
    queue = [Job(QUICK, "ann") for _ in range(300)]
    refuse(LONG, "ann", queue, tmp_path)


def test_nobody_new_is_refused_where_a_class_has_filled_the_queue(tmp_path):
    queue = [Job(LONG, f"tab {number // 6}") for number in range(208)]
    refuse(LONG, "new", queue, tmp_path)


def test_who_holds_a_fair_share_of_a_full_queue_is_told_what_to_do(tmp_path):
    queue = [Job(LONG, "ann"), Job(LONG, "ann"), Job(LONG, "bob")]
    with pytest.raises(UserError, match=r"3 runs are waiting, 2 of them yours\. Stop one"):
        refuse(LONG, "ann", queue, tmp_path, max_queue=3)
    refuse(LONG, "carl", queue, tmp_path, max_queue=3)
    with pytest.raises(UserError, match="1 of them yours"):
        refuse(LONG, "bob", queue, tmp_path, max_queue=3)


def test_too_many_runs_of_one_visitor_are_refused_in_an_empty_lab_too(tmp_path):
    queue = [Job(LONG, "ann") for _ in range(6)]
    with pytest.raises(UserError, match="6 runs going"):
        refuse(LONG, "ann", queue, tmp_path)
