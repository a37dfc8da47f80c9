import tomllib
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[2] / ".streamlit/config.toml"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["chartCategoricalColors", "chartSequentialColors"])
def test_each_theme_has_the_ten_colours_without_which_plotly_takes_its_own(theme, kind):
    colours = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["theme"][theme][kind]
    assert len(colours) == 10
