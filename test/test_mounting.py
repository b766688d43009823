"""How a camera is mounted: told by a parameter, else looked up in TF, else asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from landmarks import CAMERA, ceiling_lamps, held, report

from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.bags.camera_bag import CAMERA_FRAME, START, CameraBag
from bpnp_ros.bags.reading import Bag
from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.errors import ConfigError
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.motion import mounting
from bpnp_ros.map_model.mounting import Holding, mounted, roll_pitch_yaw
from bpnp_ros.replay.configuration import configuration
from bpnp_ros.replay.player import Played, Player
from bpnp_ros.replay.topics import Topics, choose_topics
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.runtime.maps import Maps
from bpnp_ros.runtime.tf_buffer import NoTransformError
from bpnp_ros.weights.chosen import ChosenWeights

ON_A_ROBOT = LocalizationSettings(base_frame="base", tf_mode="base")


def maps_of(config: LocalizerConfig, settings: LocalizationSettings = ON_A_ROBOT) -> Maps:
    return Maps(settings, Engine(config, torch.device("cpu"), ChosenWeights(None, None)))


def base_camera(words: str) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = mounting(words)
    return T


@pytest.mark.parametrize("words", ["forward", "up", "down", "left", "backward", "10 -67 30"])
def test_a_mounting_in_tf_means_what_it_means_in_words(words: str) -> None:
    told = mounted(LocalizerConfig(), base_camera(words)).camera_mounting
    assert np.allclose(mounting(told), mounting(words), atol=1e-6)


def test_angles_are_those_that_camera_mounting_takes() -> None:
    assert roll_pitch_yaw(mounting("5 -20 70")) == pytest.approx((5, -20, 70))


def test_a_robot_on_a_floor_of_which_nothing_says_how_the_camera_looks_is_asked() -> None:
    with pytest.raises(ConfigError, match="nothing says how the camera is mounted"):
        maps_of(LocalizerConfig(motion="floor"), LocalizationSettings())


@pytest.mark.parametrize("config", [LocalizerConfig(motion="free"), LocalizerConfig()])
def test_others_are_not_asked(config: LocalizerConfig) -> None:
    maps_of(config, LocalizationSettings())


def test_words_win_over_tf() -> None:
    config = LocalizerConfig(motion="floor", camera_mounting="left")
    maps = maps_of(config)
    maps.mount(Holding(base_camera("up"), None, "TF"))
    assert maps.engine.config.camera_mounting == "left"


def test_what_tf_has_told_outlives_a_tuned_parameter() -> None:
    maps = maps_of(LocalizerConfig(motion="floor"))
    maps.mount(Holding(base_camera("up"), None, "TF"))
    maps.tune(LocalizerConfig(motion="floor", max_speed=7.0))
    assert maps.engine.config.max_speed == 7.0
    assert np.allclose(mounting(maps.engine.config.camera_mounting), mounting("up"), atol=1e-6)


def write_drive(path: Path, with_mounting: bool) -> None:
    """A robot under lamps, its camera looking up, as a bag; TF is that of the robot."""
    rng, T_base_camera = np.random.default_rng(0), base_camera("up")
    T_base_camera[:3, 3] = 0.1, 0.0, 0.5
    lamps = ceiling_lamps(rng)
    poses = [held("up", 0.1 * i, np.array([8 + 0.1 * i, 6, 0.5]), np.zeros(2)) for i in range(4)]
    with Writer(path) as bag:
        write = CameraBag(bag, lamps)
        if with_mounting:
            bag.add_topic("/tf_static", messages.TF, latched=True)
            top = messages.header(START, "base")
            bag.write("/tf_static", START, messages.transforms(top, CAMERA_FRAME, T_base_camera))
        for i, T in enumerate(poses):
            u, v = report(lamps, T, rng).T.astype(np.float32)
            write.add(START + 100_000_000 * i, CAMERA, {"u": u, "v": v}, T)


def replayed(path: Path) -> list[Played]:
    words = {"motion": "floor", "base_frame": "base", "tf_mode": "none"}
    heights = {"camera_height_min": 0.45, "camera_height_max": 0.55}
    chosen = configuration({**words, **heights})
    with Bag(path) as bag:
        topics = choose_topics(bag, Topics(), map_from_bag=True)
        player = Player(
            bag, topics, chosen, Engine.from_settings(chosen.settings, chosen.localizer)
        )
        player.get_ready()
        return list(player.play())


def test_a_replay_takes_the_mounting_from_the_tf_of_the_bag(tmp_path: Path) -> None:
    write_drive(tmp_path / "bag", with_mounting=True)
    answers = [played.answer for played in replayed(tmp_path / "bag")]
    found = [answer for answer in answers if isinstance(answer, Fix)]
    assert len(found) >= 3
    assert all(abs(fix.T_map_camera[2, 3] - 0.5) < 0.1 for fix in found)


def test_a_bag_without_it_is_refused_with_what_would_do(tmp_path: Path) -> None:
    write_drive(tmp_path / "bag", with_mounting=False)
    with pytest.raises(NoTransformError, match=r"how the camera is mounted.*set camera_mounting"):
        replayed(tmp_path / "bag")
