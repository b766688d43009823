"""A replay takes the nodes' parameters, by their names, from their file and from words."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpnp_ros.errors import ConfigError
from bpnp_ros.replay.configuration import changed, configuration, read_parameters

SHIPPED = Path(__file__).resolve().parents[1] / "config" / "localization.yaml"


def test_the_shipped_file_changes_nothing() -> None:
    values = read_parameters(SHIPPED, [])
    assert values and changed(values) == {}
    assert configuration(values) == configuration({})


def test_words_win_over_the_file() -> None:
    values = read_parameters(SHIPPED, ["clutter=0.25", "use_network=false", "map_frame=world"])
    assert changed(values) == {"clutter": 0.25, "use_network": False, "map_frame": "world"}
    assert configuration(values).localizer.clutter == 0.25


def test_a_whole_number_will_do_for_a_real_one() -> None:
    assert configuration(read_parameters(None, ["max_speed=3"])).localizer.max_speed == 3.0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["clutter"], "not of the form name=value"),
        (["cluter=0.5"], "no parameter 'cluter'"),
        (["seed=0.5"], "must be of type int"),
        (["use_network=3"], "must be of type bool"),
        (["tf_mode=sideways"], "must be one of"),
        (["min_keypoints=600"], "more than max_keypoints"),
        (["detector=eyes"], "detector is 'eyes'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(words: list[str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        configuration(read_parameters(None, words))


@pytest.mark.parametrize("content", ["just words", "[1, 2", "{a: b: c}"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError, match="parameters"):
        read_parameters(file, [])
