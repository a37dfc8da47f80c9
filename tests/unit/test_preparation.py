"""What a server downloads by itself."""

import dataclasses
import logging
from types import SimpleNamespace

import pytest

from tests.server import FileServer
from tl_core.api.preparation import Preparation, names_to_prepare
from tl_core.errors import UserError
from tl_core.lab import Lab
from tl_core.specs.datasets import ImportData
from tl_core.specs.download import OPERATOR, Download

WAIT_S = 60


class Jobs:
    """Downloads that fail as often as is said, and are then here."""

    def __init__(self, **failures):
        self.failures = failures
        self.asked = []
        self.here = ["efficientnet_lite0"]

    def submit(self, spec, owner):
        assert owner == OPERATOR
        name = spec.name if isinstance(spec, Download) else spec.dataset
        self.asked.append((type(spec), name))
        error = None
        if self.failures.get(name, 0):
            self.failures[name] -= 1
            error = UserError("There is no network.")
        return SimpleNamespace(wait=lambda: True, error=error)


def prepare(jobs, *names, waits_s=()):
    rows = [SimpleNamespace(key=key) for key in jobs.here]
    backbones = SimpleNamespace(ready=lambda: rows, finish_checks=lambda: None)
    datasets = SimpleNamespace(rows=lambda: [SimpleNamespace(key="digits", state="ready")])
    thread = Preparation(jobs, backbones, datasets, waits_s=waits_s).start(names)
    thread.join(WAIT_S)
    assert not thread.is_alive()


def test_names_are_read_with_spaces_and_twice():
    assert names_to_prepare(" vgg16, eurosat,vgg16,") == ("vgg16", "eurosat")
    assert names_to_prepare("") == ()


def test_a_name_of_nothing_is_refused_in_a_sentence():
    with pytest.raises(UserError, match=r"TL_PREPARE names vgg17, .* vgg16, .* eurosat"):
        names_to_prepare("vgg16,vgg17")


def test_what_is_here_already_is_not_asked_for():
    jobs = Jobs()
    prepare(jobs, "efficientnet_lite0", "digits", "eurosat", "vgg16")
    assert jobs.asked == [(ImportData, "eurosat"), (Download, "vgg16")]


def test_what_failed_is_tried_again_and_what_came_is_not(caplog):
    jobs = Jobs(vgg16=2)
    prepare(jobs, "vgg16", "resnet50", waits_s=(0, 0, 0))
    assert [name for _kind, name in jobs.asked] == ["vgg16", "resnet50", "vgg16", "vgg16"]
    lines = [record.getMessage() for record in caplog.records]
    words = "vgg16 could not be downloaded, tried again in 0 min: There is no network."
    assert lines == [words] * 2


def test_in_the_end_it_is_given_up_in_words(caplog):
    jobs = Jobs(vgg16=9)
    prepare(jobs, "vgg16", waits_s=(0,))
    assert len(jobs.asked) == 2
    assert "not tried again" in caplog.records[-1].getMessage()
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_a_server_prepares_what_its_visitors_may_not_download(settings, caplog):
    with FileServer({}) as server:  # which has no such file
        own = dataclasses.replace(settings, visitor_downloads="none", mirror=server.base)
        with Lab(own) as lab:
            preparation = Preparation(lab.jobs, lab.backbones, lab.datasets, waits_s=())
            preparation.start(["resnet18"]).join(WAIT_S)
    assert [exchange.path for exchange in server.exchanges] == ["/resnet18-f37072fd.pth"]
    assert "has no file resnet18-f37072fd.pth" in caplog.text
