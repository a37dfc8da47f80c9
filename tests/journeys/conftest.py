import pytest

from tl_core.lab import Lab, Settings


@pytest.fixture(scope="session")
def walked_lab(tmp_path_factory):
    """A lab with empty folders, whose mirror answers nobody; visits end only where one says so."""
    with Lab(lab_settings(tmp_path_factory.mktemp("journeys"))) as lab:
        yield lab


def lab_settings(folder) -> Settings:
    return Settings(
        data_dir=folder / "data",
        weights_dir=folder / "weights",
        cache_dir=folder / "cache",
        device="cpu",
        mirror="http://127.0.0.1:9",
        visit_timeout_s=100_000,
    )
