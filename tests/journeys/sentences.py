"""Every sentence of the lab, so that a box on a page can be told from an accident."""

import ast
import functools
import re
from pathlib import Path

from pages.languages import codes, language

ROOT = Path(__file__).parents[2]
# a sentence that no visitor should ever need
_ACCIDENT = "Something went wrong inside the lab; its log has the details. Please try again."
_GAP = re.compile(r"\{[^{}]*\}")  # what is filled in


@functools.cache
def templates() -> tuple[str, ...]:
    """All literal strings of the lab and its pages that read like a sentence, in every language."""
    found = set()
    for folder in ("tl_core", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    sentences = {text for text in found if _is_sentence(text)}
    spoken = {str(language(code).words(text)) for code in codes() for text in sentences}
    return tuple(sorted(sentences | spoken))


def is_ours(text: str) -> bool:
    """Whether a box says a sentence of the lab, or two, and nothing that only its log should."""
    text = text.strip()
    accidents = {str(language(code).words(_ACCIDENT)) for code in codes()}
    if "Traceback" in text or any(accident in text for accident in accidents):
        return False
    return any(
        not rest or any(not rest_of_it for rest_of_it in _after_one(rest.removeprefix(" ")))
        for rest in _after_one(text)
    )


def _after_one(text: str) -> list[str]:
    """What is left of the text behind each sentence it may begin with."""
    rests = []
    for template in templates():
        first, *others = _GAP.split(template)
        if text.startswith(first):
            rests += [text[end:] for end in _ends(text, len(first), others)]
    return rests


def _ends(text: str, start: int, parts: list[str]) -> set[int]:
    """Where a sentence may end whose next parts follow somewhere behind ``start``."""
    if not parts:
        return {start}
    if len(parts) == 1 and not parts[0]:
        return {len(text)}
    place = text.find(parts[0], start)
    if len(parts) == 1 and text.endswith(parts[0]) and len(text) - len(parts[0]) >= start:
        return {len(text), *([] if place < 0 else [place + len(parts[0])])}
    return set() if place < 0 else _ends(text, place + len(parts[0]), parts[1:])


def _is_sentence(text: str) -> bool:
    return text.count(" ") > 2 and (text[0].isupper() or text[0] in "{*")
