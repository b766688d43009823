"""Up and height where the user leaves them to the robot: an Imu, odometry and TF tell."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from landmarks import CAMERA, ceiling_lamps, held, report

from bpnp_ros.bags import messages
from bpnp_ros.bags.camera_bag import CAMERA_FRAME, START, CameraBag
from bpnp_ros.bags.reading import Bag
from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.errors import ConfigError
from bpnp_ros.geometry.rotation import quaternion_from_matrix
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.motion import mounting
from bpnp_ros.map_model.mounting import Holding, height_of, told, upright
from bpnp_ros.replay.configuration import configuration
from bpnp_ros.replay.player import Player
from bpnp_ros.replay.topics import Topics, choose_topics
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.runtime.tf.gravity import Gravity, up_of
from bpnp_ros.runtime.tf_buffer import NoTransformError, TransformBuffer

TILTED = mounting("4 -70 25")  # how the camera truly is, in a level frame


def vector(values: Any) -> SimpleNamespace:
    return SimpleNamespace(**dict(zip("xyz", np.asarray(values, float).tolist(), strict=True)))


def imu(
    stamp: int, force: Any, rate: Any = (0, 0, 0), R: np.ndarray | None = None, frame: str = "imu"
) -> Any:
    """R: (3, 3) R_world_imu; without it the Imu has no orientation."""
    q = np.array([0, 0, 0, 1.0])
    if R is not None:
        q = quaternion_from_matrix(torch.from_numpy(R)).numpy()
    return SimpleNamespace(
        header=SimpleNamespace(
            frame_id=frame, stamp=SimpleNamespace(sec=stamp // 10**9, nanosec=stamp % 10**9)
        ),
        orientation=SimpleNamespace(**dict(zip("xyzw", q.tolist(), strict=True))),
        orientation_covariance=[-1.0 if R is None else 0.01] + 8 * [0.0],
        linear_acceleration=vector(force),
        angular_velocity=vector(rate),
    )


def at_rest(R_level_imu: np.ndarray, noise: float = 0.05, count: int = 100) -> list[Any]:
    rng = np.random.default_rng(0)
    forces = 9.81 * R_level_imu[2] + rng.normal(0, noise, (count, 3))
    return [imu(START + 10_000_000 * i, force) for i, force in enumerate(forces)]


def test_an_imu_at_rest_feels_the_force_that_holds_it_up() -> None:
    up = up_of(at_rest(TILTED))
    assert np.degrees(np.arccos(up @ TILTED[2])) < 0.2


def test_an_imu_that_knows_its_orientation_is_believed_while_it_moves() -> None:
    up = up_of([imu(START, (3, 1, 2), (1, 0, 0), TILTED)])
    np.testing.assert_allclose(up, TILTED[2], atol=1e-9)


@pytest.mark.parametrize(
    ("heard", "complaint"),
    [
        (at_rest(TILTED, count=3), "less than half a second"),
        (at_rest(TILTED, noise=2.0), "the Imu is not still"),
        ([imu(START + 10**7 * i, (0, 0, 14)) for i in range(99)], "not still: 14.0 m/s2"),
        ([imu(START + 10**7 * i, (0, 0, 9.8), (0, 0.5, 0)) for i in range(99)], "0.50 rad/s"),
        ([imu(START + 10**7 * i, (np.nan, 0, 0)) for i in range(99)], "not still"),
    ],
    ids=["short", "shaken", "accelerated", "turning", "not a number"],
)
def test_an_imu_that_cannot_tell_says_why(heard: list[Any], complaint: str) -> None:
    with pytest.raises(NoTransformError, match=complaint):
        up_of(heard)


def test_odometry_tells_where_there_is_no_imu_and_else_what_is_missing_is_said() -> None:
    buffer = TransformBuffer()
    gravity = Gravity(LocalizationSettings(), buffer)
    with pytest.raises(NoTransformError, match="nothing has come on the topic imu"):
        gravity.up_in("camera")
    T = np.eye(4)
    T[:3, :3] = TILTED
    buffer.set("odom", "camera", START, T, static=False)
    up, source = gravity.up_in("camera")
    np.testing.assert_allclose(up, TILTED[2], atol=1e-9)
    assert source == "TF from 'odom'"


def test_the_imu_is_turned_into_the_camera_by_tf() -> None:
    buffer = TransformBuffer()
    T_imu_camera = np.eye(4)
    T_imu_camera[:3, :3] = mounting("left")
    buffer.set("imu", "camera", 0, T_imu_camera, static=True)
    gravity = Gravity(LocalizationSettings(), buffer)
    for message in at_rest(np.eye(3), noise=0):
        gravity.take(message)
    up, _ = gravity.up_in("camera")
    np.testing.assert_allclose(up, [0, -1, 0], atol=1e-6)  # up is against y, which is down


@pytest.mark.parametrize("words", ["forward", "up", "down", "12 -35 0"])
def test_up_in_the_camera_is_all_of_a_mounting_but_its_heading(words: str) -> None:
    R = upright(mounting(words)[2])[:3, :3]
    np.testing.assert_allclose(R[2], mounting(words)[2], atol=1e-12)
    assert np.linalg.det(R) == pytest.approx(1)


def test_a_height_from_tf_is_along_up_and_never_replaces_what_was_told() -> None:
    T = np.eye(4)
    T[:3, 3] = 1, -0.5, 7
    floor = LocalizerConfig(motion="floor", up="-y")
    known = Holding(T, height_of(floor, T), "TF")
    assert told(floor, known).camera_height_min == pytest.approx(0.4)
    given = LocalizerConfig(motion="floor", camera_height_min=2.0, camera_height_max=3.0)
    assert told(given, known).camera_height_min == 2.0


@pytest.mark.parametrize("motion", ["free", "rotation", "photographs"])
def test_gravity_is_refused_where_nothing_asks_for_it(motion: str) -> None:
    from test_mounting import maps_of

    with pytest.raises(ConfigError, match=f"motion {motion} has no use for"):
        maps_of(LocalizerConfig(motion=motion, camera_mounting="gravity"))


def write_drive(path: Path, with_imu: bool, with_height: bool) -> None:
    """A camera that looks up, crookedly, below lamps; an Imu beside it, TF if it is asked for."""
    from bpnp_ros.backends.rosbags import Writer, message

    rng, lamps = np.random.default_rng(0), ceiling_lamps(np.random.default_rng(1))
    crooked = "3 -80 0"
    with Writer(path) as bag:
        write = CameraBag(bag, lamps)
        bag.add_topic("/imu", messages.IMU)
        bag.add_topic("/tf_static", messages.TF, latched=True)
        same = messages.transforms(messages.header(START, "imu"), CAMERA_FRAME, np.eye(4))
        bag.write("/tf_static", START, same)
        if with_height:
            T_map_imu = np.eye(4)
            T_map_imu[2, 3] = 0.5
            edge = messages.transforms(messages.header(START, "map"), "imu", T_map_imu)
            bag.write("/tf_static", START, edge)
        for i, still in enumerate(at_rest(mounting(crooked)) if with_imu else []):
            parts = {
                name: message("geometry_msgs/msg/Vector3", **vars(getattr(still, name)))
                for name in ("linear_acceleration", "angular_velocity")
            }
            q = message("geometry_msgs/msg/Quaternion", **vars(still.orientation))
            none = np.zeros(9)
            covariances = {
                "orientation_covariance": np.array(still.orientation_covariance),
                **{f"{name}_covariance": none for name in parts},
            }
            header = messages.header(START + 10**7 * i, "imu")
            felt = message(messages.IMU, header=header, orientation=q, **parts, **covariances)
            bag.write("/imu", START + 10**7 * i, felt)
        for i in range(4):
            T = held(crooked, 0.1 * i, np.array([8 + 0.1 * i, 6, 0.5]), np.zeros(2))
            u, v = report(lamps, T, rng).T.astype(np.float32)
            write.add(START + 10**8 * i, CAMERA, {"u": u, "v": v}, T)


def player_of(bag: Bag, **words: object) -> Player:
    told_by_user = {"camera_mounting": "gravity", "tf_mode": "none", "motion": "floor"}
    chosen = configuration({**told_by_user, **words})
    topics = choose_topics(bag, Topics(), map_from_bag=True)
    return Player(bag, topics, chosen, Engine.from_settings(chosen.settings, chosen.localizer))


@pytest.mark.parametrize("with_height", [True, False])
def test_a_camera_that_nobody_measured_is_found_by_gravity(
    tmp_path: Path, with_height: bool
) -> None:
    pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")
    write_drive(tmp_path / "bag", with_imu=True, with_height=with_height)
    heights = {} if with_height else {"camera_height_min": 0.4, "camera_height_max": 0.6}
    with Bag(tmp_path / "bag") as bag:
        player = player_of(bag, **heights)
        player.get_ready()
        answers = [played.answer for played in player.play()]
    assert "held as gravity by Imu 'imu' says" in player.assumed
    assert ("height from TF 'map'" in player.assumed) == with_height
    assert "0.4 to 0.6 m along up" in player.assumed
    found = [answer for answer in answers if isinstance(answer, Fix)]
    assert len(found) >= 3
    assert all(abs(fix.T_map_camera[2, 3] - 0.5) < 0.1 for fix in found)


def test_a_bag_in_which_nothing_tells_up_is_refused_with_what_would(tmp_path: Path) -> None:
    pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")
    write_drive(tmp_path / "bag", with_imu=False, with_height=False)
    with Bag(tmp_path / "bag") as bag, pytest.raises(NoTransformError, match="on the topic imu"):
        player_of(bag).get_ready()
