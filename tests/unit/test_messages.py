"""What errors may say: they are read by everybody on a page."""

import ast
from collections.abc import Iterator
from pathlib import Path

import tl_core

CORE = Path(tl_core.__file__).parent
PLACES = {"path", "folder", "file", "place"}


def refusals(module: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UserError":
            yield node


def test_errors_on_pages_name_files_and_folders_without_their_places() -> None:
    modules = [
        path for path in CORE.rglob("*.py") if path.parent.name not in ("commands", "library")
    ]
    found = [call for module in modules for call in refusals(module)]
    assert len(found) > 50
    for call in found:
        for argument in call.keywords:
            if argument.arg in PLACES:
                assert ast.unparse(argument.value).endswith(".name"), ast.unparse(call)
