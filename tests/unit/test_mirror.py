import errno
import hashlib
import http.client
import json
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.server import FileServer
from tl_core import commands
from tl_core.backbones.catalogue import CATALOGUE, DownloadableWeights
from tl_core.commands import mirror
from tl_core.fetching import DownloadRequest, fetch

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
    assert json.loads(out)["there"] == ["small", "microsoft_cats_and_dogs", "lab.zip"]
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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["resnet99"], "nothing called resnet99"),
        (["--serve"], "is no folder"),
    ],
)
def test_a_mistake_is_a_sentence_and_status_2(arguments, sentence, publisher, folder, capsys):
    assert fill(folder, *arguments) == 2
    assert sentence in capsys.readouterr().err
    assert publisher.exchanges == []


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


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The address of a mirror with one file in each folder, and what its command printed."""
    root = tmp_path_factory.mktemp("served")
    folder = root / "mirror"
    for place in ("wheels", ".wheels", "private"):
        (folder / place).mkdir(parents=True)
        (folder / place / "torch-1+cpu.whl").write_bytes(b"wheel")
    (folder / FILE).write_bytes(WEIGHTS)
    (folder / "wheels" / "requirements.txt").write_text("# for Python 3.99 on abacus\n")
    (root / "secret").write_bytes(b"secret")
    command = [sys.executable, "-m", "tl_core", "mirror", str(folder), "--serve", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        said = []
        while "streamlit run" not in (said or [""])[-1]:
            said.append(process.stderr.readline())
            assert said[-1], said
        port = said[0].partition(" at http://")[2].split()[0].rpartition(":")[2]
        yield f"http://127.0.0.1:{port}", "".join(said)
        process.terminate()


def get(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


def test_the_server_says_what_to_type_on_the_other_machine(served):
    base, said = served
    assert "pip install --no-index --find-links http://" in said
    assert "TL_MIRROR=http://" in said
    assert "for Python 3.99 on abacus" in said
    assert f"--find-links {base}/wheels/" in get(base + "/")[1].decode()


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("bytes=0-7", (206, WEIGHTS[:8])),
        ("bytes=-4", (206, WEIGHTS[-4:])),
        (f"bytes={len(WEIGHTS) - 3}-", (206, WEIGHTS[-3:])),
        (f"bytes={len(WEIGHTS)}-", (416, b"")),
    ],
)
def test_the_server_sends_parts_of_files(wanted, found, served):
    assert get(f"{served[0]}/{FILE}", Range=wanted) == found


def test_a_download_that_broke_off_goes_on_from_the_server(served, tmp_path):
    class Stopped(Exception):
        pass

    def stop(received, _total):
        if received > 100_000:
            raise Stopped

    starts = []
    request = DownloadRequest(f"{served[0]}/{FILE}", tmp_path / FILE, size_bytes=len(WEIGHTS))
    with pytest.raises(Stopped):
        fetch(request, report=stop, check=lambda: None)
    fetch(request, report=lambda received, _: starts.append(received), check=lambda: None)
    assert starts[0] > 100_000
    assert (tmp_path / FILE).read_bytes() == WEIGHTS


def test_pip_finds_a_page_of_links_to_the_wheels(served):
    status, page = get(served[0] + "/wheels/")
    assert status == 200
    assert b'href="torch-1%2Bcpu.whl"' in page
    assert get(served[0] + "/wheels/torch-1%2Bcpu.whl") == (200, b"wheel")


@pytest.mark.parametrize(
    "path",
    [
        "/private/",
        "/private/torch-1+cpu.whl",
        "/.wheels/torch-1+cpu.whl",
        "/wheels",
        "/private",
        "/../secret",
        "/..%2Fsecret",
        "/wheels/..%2F..%2Fsecret",
        "/missing",
    ],
)
def test_nothing_else_is_served(path, served):
    host, port = served[0].removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port))  # sends the path as it stands
    connection.request("GET", path)
    assert connection.getresponse().status in (307, 404)
    connection.close()
