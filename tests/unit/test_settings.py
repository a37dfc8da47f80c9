from pathlib import Path

import pytest

from tl_core.errors import UserError
from tl_core.settings import Settings


def test_variables_set_their_fields():
    found = Settings.from_env(
        {"TL_DATA_DIR": "/data", "TL_MAX_STEPS": "7", "TL_VISIT_RESUME_S": "1.5"}
    )
    assert found.data_dir == Path("/data")
    assert found.max_steps == 7
    assert found.visit_resume_s == 1.5


def test_weights_are_kept_where_torch_hub_keeps_them():
    found = Settings.from_env({"TORCH_HOME": "/cache"})
    assert found.weights_dir == Path("/cache/hub/checkpoints")


def test_the_cloud_profile_lowers_the_limits_and_a_variable_still_wins():
    cloud = Settings.from_env({"TL_PROFILE": "cloud", "TL_PHOTO_MEMORY_MB": "7"})
    assert cloud.network_memory_mb < Settings.from_env({"TL_PROFILE": "server"}).network_memory_mb
    assert cloud.photo_memory_mb == 7


@pytest.mark.parametrize("variable", [{"TL_MAX_STEPS": "many"}, {"TL_PROFILE": "huge"}])
def test_a_value_that_makes_no_sense_is_refused_in_a_sentence(variable):
    with pytest.raises(UserError, match="must be"):
        Settings.from_env(variable)
