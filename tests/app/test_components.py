import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
USE = re.compile(r"\b(component|style)\(\"(\w+)\"[,)]")
SHARED = re.compile(r"\bshared=\"(\w+)\"")


def test_every_file_of_a_component_is_used_and_every_component_has_its_file():
    source = "".join(path.read_text() for path in (ROOT / "pages").rglob("*.py"))
    used = {(name, "js" if call == "component" else "css") for call, name in USE.findall(source)}
    used |= {(name, "js") for name in SHARED.findall(source)}
    files = {(path.stem, path.suffix[1:]) for path in (ROOT / "assets/components").iterdir()}
    assert used <= files
    assert {stem for stem, _kind in files} == {stem for stem, _kind in used}
