"""Each mistake is one line on standard error and status 2, before any work and without a trace."""

import os
import pwd
import runpy
import shlex
import sys
from pathlib import Path

import pytest

from tl_core import commands
from tl_core.api.jobs import Jobs
from tl_core.images import samples
from tl_core.library.engine import Engine

IDEAL = "ideal --target zebra --out"
ATTACK = "attack cat.png --target zebra --out new.png --original"
TRAIN = "train --out new.safetensors --data"


@pytest.fixture
def room(tmp_path, monkeypatch):
    """The current folder, with a photograph and what is no file to read or to write."""
    room = tmp_path / "room"
    (room / "bare").mkdir(parents=True)
    (room / "cat.png").write_bytes(samples.read("sample:cat"))
    (room / "null.safetensors").write_bytes(b"\x04\0\0\0\0\0\0\0null")
    os.mkfifo(room / "pipe")
    for link, target in {"to_pipe": "pipe", "to_new": "new.png", "loop": "loop"}.items():
        (room / link).symlink_to(target)
    for name in ("huge.png", "huge.safetensors"):
        (room / name).touch()
        os.truncate(room / name, 3 * 2**30)  # takes no room on the disk
    for folder in ("weights", "data", "cache"):
        monkeypatch.setenv(f"TL_{folder.upper()}_DIR", str(tmp_path / folder))
    monkeypatch.setattr("tl_core.library.network.LARGEST_MODEL_FILE_MB", 30)
    monkeypatch.chdir(room)
    return room


def found(folder):
    files = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return {(path, path.lstat().st_ino, path.lstat().st_mtime_ns) for path in files}


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "required: COMMAND"),
        ("draw", "invalid choice: 'draw'"),
        ("classify", "required: IMAGE. python -m tl_core classify --help"),
        ("mirror --no-wheels", "required: DIR."),
        ("classify cat.png --colour", "unrecognized arguments: --colour"),
        ("classify 'two\nlines'", "cannot be read (No such file"),
        ("classify huge.png", "huge.png cannot be read (it has more than 25 MB)"),
        ("classify cat.png --backbone huge.safetensors", "(it has more than 30 MB)"),
        ("classify cat.png --backbone null.safetensors", "damaged: it was not saved by this lab."),
        (f"{IDEAL} new.png --spec huge.png", "(it has more than 5 MB)"),
        *((f"{start} ''", "An empty name") for start in ("classify", "mirror", IDEAL, TRAIN)),
        *((f"classify {name}", "read (it is a folder, a device") for name in (".", "to_pipe")),
        (f"{IDEAL} new.png --spec pipe", "pipe cannot be read (it is a folder, a device"),
        *((f"{IDEAL} {name}", "written (it is a folder") for name in ("/", "bare", "pipe", "loop")),
        *((f"{name} cat.png --out to_pipe", "written (it") for name in ("features", "attribute")),
        (f"{IDEAL} /proc/new.png", "/proc/new.png cannot be written (No such file"),
        (f"{IDEAL} {'n' * 240}", "cannot be written (File name too long)"),
        (f"{ATTACK} attic/new.png", "there is no folder attic"),
        *((f"{ATTACK} {name}", "are the same file") for name in ("bare/../new.png", "to_new")),
        *((f"{TRAIN} {name}", "is no folder with a folder") for name in ("/", "pipe", "loop")),
        (f"{TRAIN} bare --backbone null.safetensors", "damaged: it was not saved by this lab."),
        ("classify cat.png --backbone nope", "no backbone called nope. Choose one of: eff"),
        ("mirror new --no-wheels nope", "There is nothing called nope to download"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_done(typed, sentence, room, monkeypatch, capsys):
    for kind, work in ((Jobs, "submit"), (Engine, "run")):
        monkeypatch.setattr(kind, work, lambda *_args, **_rest: pytest.fail("the work began"))
    before = found(room)
    assert commands.main(shlex.split(typed)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert found(room) == before


def test_without_a_home_the_folder_to_set_is_named(room, monkeypatch, capsys):
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    for variable in ("HOME", "TL_DATA_DIR", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert commands.main(["doctor"]) == 2
    assert "Set TL_DATA_DIR to a folder, or set HOME." in capsys.readouterr().err


def test_ctrl_c_while_the_program_loads_is_one_line(monkeypatch, capsys):
    class Interrupted:
        def find_spec(self, *_):
            raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "tl_core.commands")
    monkeypatch.setattr(sys, "meta_path", [Interrupted()])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(Path(commands.__file__).parents[1] / "__main__.py"), run_name="__main__")
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "Stopped.\n")
