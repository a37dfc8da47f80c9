import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
STYLE = re.compile(r"\bstyle\(\"(\w+)\"[,)]")
SCRIPT = re.compile(r"\bscript\(\"(\w+)\"\)")
COMPONENT = re.compile(r"\bcomponent\((\"[^)]+)\)")
NAME = re.compile(r"\"(\w+)\"")


def test_every_file_of_a_component_is_used_and_every_component_has_its_file():
    source = "".join(path.read_text() for path in (ROOT / "pages").rglob("*.py"))
    used = {(name, "css") for name in STYLE.findall(source)}
    used |= {(name, "js") for name in SCRIPT.findall(source)}
    for names in COMPONENT.findall(source):
        used |= {(name, "js") for name in NAME.findall(names)}
    files = {(path.stem, path.suffix[1:]) for path in (ROOT / "assets/components").iterdir()}
    assert used <= files
    assert {stem for stem, _kind in files} == {stem for stem, _kind in used}
