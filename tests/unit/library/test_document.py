"""docs/library.md: its examples, run where they are read."""

import re
from pathlib import Path

import pytest

from tl_core.images import samples

DOCUMENT = Path(__file__).parents[3] / "docs" / "library.md"


@pytest.mark.slow
def test_every_example_runs_in_a_folder_with_photographs(labelled, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, (_label, data) in enumerate(labelled[:6]):
        Path(f"{('cat', 'dog')[number % 2]}{1 + number // 2}.jpg").write_bytes(data)
    Path("cat.jpg").write_bytes(samples.read("sample:cat"))
    Path("dog.jpg").write_bytes(samples.read("sample:dalmatian"))
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
    names: dict = {}
    for block in blocks:
        exec(compile(block, DOCUMENT.name, "exec"), names)
    assert len(blocks) > 8
    assert names["fooled"].is_fooled
    assert names["enough"].probability > 0.9
    assert names["enough"].steps < 500
    assert names["found"].best.label == "tiger cat"
    assert names["again"].classes == ("cats", "dogs")
    assert names["logits"].shape == (1, 1000)
    assert Path("a dog that is a cat.png").exists()
