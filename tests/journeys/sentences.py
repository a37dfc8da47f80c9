"""Every sentence of the lab, so that a box on a page can be told from an accident."""

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ACCIDENT = "Something went wrong inside the lab"


@functools.cache
def _pattern() -> re.Pattern[str]:
    """Matches one of the sentences, or two with a space between them."""
    templates = set()
    for folder in ("tl_core", "pages"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    templates.add(node.value)
    sentences = sorted(text for text in templates if _is_sentence(text))
    one = "|".join(_as_pattern(text) for text in sentences)
    return re.compile(f"(?:{one})(?: (?:{one}))?", re.DOTALL)


def _is_sentence(text: str) -> bool:
    return " " in text and text[0].isupper() | (text[0] in "{*") and not text.startswith(_ACCIDENT)


def _as_pattern(template: str) -> str:
    parts = re.split(r"\{[^{}]*\}", template)
    return ".*?".join(map(re.escape, parts))


def is_ours(text: str) -> bool:
    """Whether a box says a sentence of the lab, and nothing that only its log should say."""
    return "Traceback" not in text and _pattern().fullmatch(text.strip()) is not None
