"""The worlds of the demo: lamps of any seed, as images in which a detector finds them."""

from __future__ import annotations

import numpy as np
import pytest
from test_demo_score import good_run

from bpnp_ros.configuration.parameters import DetectorConfig
from bpnp_ros.demo.run import demo_stream, node_parameters
from bpnp_ros.demo.score import score_demo
from bpnp_ros.demo.stream import Control, DemoStream, make_stream
from bpnp_ros.demo.worlds import LAMPS
from bpnp_ros.keypoints.detector import detect_keypoints
from bpnp_ros.keypoints.image import decode_compressed
from bpnp_ros.simulation.hall import APART, make_hall
from bpnp_ros.tools.demo import parse_arguments

SEEDS = pytest.mark.parametrize("seed", [0, 1, 2, 31])


def lamps_stream(seed: int, control: Control | None = None, seconds: float = 2.0) -> DemoStream:
    return make_stream(seed, seconds, 10.0, 1, control, LAMPS, seed)


@SEEDS
def test_a_hall_of_any_seed_has_lamps_apart_from_each_other_inside_its_walls(seed: int) -> None:
    hall = make_hall(seed)
    lamps, room = hall.landmarks, hall.plan.rooms[0]
    assert 50 <= len(lamps) <= 150
    assert ((lamps[:, :2] > room.lower) & (lamps[:, :2] < room.upper)).all()
    apart = np.linalg.norm(lamps[:, None, :2] - lamps[None, :, :2], axis=2)
    assert (apart + 9 * np.eye(len(lamps)) >= APART).all()


@SEEDS
def test_a_robot_keeps_inside_looks_up_and_is_taken_far_away(seed: int) -> None:
    stream = make_stream(seed, 20.0, 10.0, 1, None, LAMPS, seed)
    T, room = stream.path.T_map_camera, stream.world.plan.rooms[0]
    assert ((T[:, :2, 3] > room.lower + 0.5) & (T[:, :2, 3] < room.upper - 0.5)).all()
    np.testing.assert_allclose(T[:, 2, 3], 0.4)
    assert (T[:, 2, 2] > np.cos(0.03)).all()
    steps = np.linalg.norm(np.diff(T[:, :3, 3], axis=0), axis=1)
    assert stream.path.kidnaps == (100,) and steps[99] > 2 and np.delete(steps, 99).max() < 0.1


@SEEDS
def test_most_lamps_of_an_image_are_found_and_little_else(seed: int) -> None:
    stream, found_of = lamps_stream(seed), DetectorConfig("lights")
    missed = wrong = total = 0
    for shown, data in zip(stream.keypoints[::4], stream.images[::4], strict=True):
        found = detect_keypoints(decode_compressed(data), found_of).pixels
        apart = np.linalg.norm(shown[:, None, :2] - found, axis=2)
        missed += int((apart.min(axis=1) > 1).sum())
        wrong += int((apart.min(axis=0) > 1).sum())
        total += len(shown)
    assert missed < 0.2 * total and wrong < 0.15 * total


def test_the_node_is_told_how_the_camera_looks_and_nothing_of_the_truth() -> None:
    assert node_parameters(parse_arguments(["--world", "lamps", "--seed", "4"])) == {
        "tf_mode": "camera",
        "motion": "floor",
        "camera_mounting": "up",
        "camera_height_min": 0.35,
        "camera_height_max": 0.45,
    }


def test_another_building_is_searched_without_the_weights_of_the_first() -> None:
    arguments = parse_arguments(["--seed", "3", "--duration", "2"])
    assert "weights" not in node_parameters(arguments)
    assert demo_stream(arguments).proposer == ""


@pytest.mark.parametrize("control", [Control.PURE_CLUTTER, Control.MIRRORED_MAP])
def test_the_controls_of_the_lamps_are_what_they_say(control: Control) -> None:
    stream, honest = lamps_stream(0, control), lamps_stream(0)
    if control is Control.MIRRORED_MAP:
        mirrored = np.sort(stream.map_points[:, 0]), np.sort(honest.map_points[:, 0])
        assert not np.allclose(*mirrored)
        assert stream.images == honest.images
    else:
        assert stream.images != honest.images
        assert len(stream.keypoints[0]) == len(honest.keypoints[0])


@pytest.mark.parametrize(
    "words",
    [
        ["--world", "lamps", "--weights", "x.safetensors"],
        ["--world", "lamps", "--control", "random-weights"],
        ["--seed", "2", "--control", "random-weights"],
        ["--seed", "-1"],
    ],
)
def test_what_a_world_does_not_have_cannot_be_asked_of_it(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_arguments(words)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_a_lost_camera_has_to_be_found_by_the_worlds_own_proposer() -> None:
    asked = [
        check.asked for check in score_demo(good_run(), "minimal_sets").checks if not check.passed
    ]
    assert asked == ["a global fix by minimal_sets"]
    assert score_demo(good_run(), "").passed
