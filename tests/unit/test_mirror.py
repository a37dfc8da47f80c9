import errno
import hashlib
import json
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.server import FileServer
from tl_core import commands
from tl_core.backbones.catalogue import CATALOGUE, DownloadableWeights
from tl_core.commands import mirror

WEIGHTS = b"weights " * 40_000
FILE = f"small-{hashlib.sha256(WEIGHTS).hexdigest()[:8]}.pth"
ARCHIVE = b"archive " * 1000
ARCHIVE_FILE = "kagglecatsanddogs_5340.zip"  # its publisher gives no checksum


@pytest.fixture
def publisher(monkeypatch, tmp_path):
    """A server with all that a catalogue of one network and one archive names."""
    source = DownloadableWeights(f"https://publisher.test/{FILE}", len(WEIGHTS) / 2**20)
    row = replace(CATALOGUE[0], key="small", source=source)
    archives = tuple(row for row in mirror.DATASETS if row.key == "microsoft_cats_and_dogs")
    monkeypatch.setattr(mirror, "CATALOGUE", (row,))
    monkeypatch.setattr(mirror, "DATASETS", archives)
    for variable in ("TL_WEIGHTS_DIR", "TL_DATA_DIR", "TL_CACHE_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    with FileServer({FILE: WEIGHTS, ARCHIVE_FILE: ARCHIVE}) as server:
        monkeypatch.setenv("TL_MIRROR", server.base)
        yield server


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "mirror"


def fill(folder, *arguments):
    return commands.main(["mirror", str(folder), *arguments])


def test_a_mirror_holds_all_that_can_be_downloaded_and_the_lab_itself(publisher, folder, capsys):
    assert fill(folder, "--no-wheels", "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["there"] == [
        "small",
        "microsoft_cats_and_dogs",
        "lab.zip",
        "install.txt",
    ]
    assert "787 MB" in err  # said before it is fetched
    assert (folder / FILE).read_bytes() == WEIGHTS
    assert (folder / ARCHIVE_FILE).read_bytes() == ARCHIVE
    with zipfile.ZipFile(folder / "lab.zip") as lab:
        assert "lab/requirements.txt" in lab.namelist()


def test_filling_it_again_fetches_nothing(publisher, folder):
    fill(folder, "--no-wheels")
    publisher.exchanges.clear()
    assert fill(folder, "--no-wheels") == 0
    assert publisher.exchanges == []


def test_what_cannot_be_had_is_named_and_the_rest_goes_on(publisher, folder, capsys):
    del publisher.files[FILE]
    assert fill(folder, "--no-wheels", "--json") == 1
    out, err = capsys.readouterr()
    assert list(json.loads(out)["missing"]) == ["small"]
    assert "Missing: small." in err
    assert (folder / ARCHIVE_FILE).read_bytes() == ARCHIVE
    assert not (folder / FILE).exists()


def test_weights_that_this_machine_has_are_not_fetched_again(publisher, folder, tmp_path):
    own = tmp_path / "TL_WEIGHTS_DIR" / FILE
    own.parent.mkdir()
    own.write_bytes(WEIGHTS)
    assert fill(folder, "small", "--no-wheels") == 0
    assert (folder / FILE).read_bytes() == WEIGHTS
    assert publisher.exchanges == []


def test_weights_that_cannot_be_linked_are_copied(publisher, folder, tmp_path, monkeypatch):
    own = tmp_path / "TL_WEIGHTS_DIR" / FILE
    own.parent.mkdir()
    own.write_bytes(WEIGHTS)

    def refuse(*_places):
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(mirror.os, "link", refuse)
    assert fill(folder, "small", "--no-wheels") == 0
    assert (folder / FILE).read_bytes() == WEIGHTS
    assert publisher.exchanges == []
    assert not (folder / f".{FILE}").exists()


def test_damaged_weights_of_this_machine_are_fetched(publisher, folder, tmp_path):
    own = tmp_path / "TL_WEIGHTS_DIR" / FILE
    own.parent.mkdir()
    own.write_bytes(WEIGHTS[:-1])
    assert fill(folder, "small", "--no-wheels") == 0
    assert (folder / FILE).read_bytes() == WEIGHTS


class Pip:
    """Writes a wheel where it is told to, or fails half-way."""

    def __init__(self):
        self.calls = 0
        self.status = 0

    def __call__(self, command, **_options):
        self.calls += 1
        target = Path(command[command.index("--dest") + 1])
        target.mkdir(exist_ok=True)
        (target / f"wheel{self.calls}.whl").write_bytes(b"wheel")
        return subprocess.CompletedProcess(command, self.status)


@pytest.fixture
def pip(monkeypatch):
    pip = Pip()
    monkeypatch.setattr(mirror.subprocess, "run", pip)
    return pip


def test_wheels_only_appear_once_pip_has_them_all(pip, folder):
    folder.mkdir()
    pip.status = 1
    with pytest.raises(mirror.UserError, match="Run this again"):
        mirror.bring_wheels(folder)
    assert not (folder / "wheels").exists()
    pip.status = 0
    mirror.bring_wheels(folder)
    names = {file.name for file in (folder / "wheels").iterdir()}
    assert names == {"wheel1.whl", "wheel2.whl", "requirements.txt"}


def test_pip_is_asked_again_for_other_requirements_alone(pip, folder, monkeypatch):
    folder.mkdir()
    mirror.bring_wheels(folder)
    mirror.bring_wheels(folder)
    assert pip.calls == 1
    monkeypatch.setattr(mirror.sysconfig, "get_platform", lambda: "another machine")
    mirror.bring_wheels(folder)
    assert pip.calls == 2
    assert (folder / "wheels" / "wheel1.whl").exists()


@pytest.fixture
def packed(folder):
    """A mirror with the lab and one wheel."""
    (folder / "wheels").mkdir(parents=True)
    (folder / "lab.zip").write_bytes(b"lab")
    (folder / "wheels" / "requirements.txt").write_text("# for Python 3.99 on abacus\ntiny\n")
    name = "tiny-1.0+cpu"
    described = {
        "METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0+cpu\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(folder / "wheels" / f"{name}-py3-none-any.whl", "w") as wheel:
        for file, text in described.items():
            wheel.writestr(f"{name}.dist-info/{file}", text)
    return folder


def test_the_instructions_name_all_that_is_there(packed):
    assert mirror.instructions(packed, "10.1.2.3").splitlines()[1:] == [
        "SERVER=10.1.2.3",
        "export TL_MIRROR=http://$SERVER:8600",
        "curl -O $TL_MIRROR/lab.zip",
        "python3 -m zipfile -e lab.zip .",
        "cd lab",
        "# for Python 3.99 on abacus",
        "python3 -m venv .venv",
        ".venv/bin/python -m pip install --no-index --find-links $TL_MIRROR/wheels/ "
        "--trusted-host $SERVER -r requirements.txt",
        ".venv/bin/python -m tl_core prepare",
        ".venv/bin/python -m streamlit run streamlit_app.py",
    ]


def test_the_instructions_name_nothing_that_is_not_there(folder):
    said = mirror.instructions(folder, "10.1.2.3")
    assert "lab.zip" not in said
    assert "pip install" not in said
    assert "copy its folder" in said


def test_a_mirror_says_how_to_serve_it(publisher, folder, monkeypatch, capsys):
    monkeypatch.setattr(mirror, "own_addresses", lambda: ["10.1.2.3", "192.168.0.4"])
    assert fill(folder, "small", "--no-wheels") == 0
    said = capsys.readouterr().out
    assert f"-m http.server 8600 --directory {folder}\n" in said
    assert "http://10.1.2.3:8600/install.txt" in said
    assert "SERVER=10.1.2.3\n" in (folder / "install.txt").read_text()


@pytest.fixture
def base(packed):
    """Where ``python -m http.server`` serves the mirror."""
    handler = partial(SimpleHTTPRequestHandler, directory=packed)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_pip_finds_the_wheels_on_pythons_own_server(base, tmp_path):
    command = [sys.executable, "-m", "pip", "--isolated", "download", "--no-cache-dir"]
    command += ["--no-index", "--find-links", f"{base}/wheels/", "--trusted-host", "127.0.0.1"]
    subprocess.run([*command, "--dest", str(tmp_path / "got"), "tiny==1.0"], check=True)
    assert (tmp_path / "got" / "tiny-1.0+cpu-py3-none-any.whl").is_file()
