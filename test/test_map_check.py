"""The map is tested too: a part that moved is named and believed less, a true map never accused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from halls import CONFIG, CPU, closed_hall, landmarks, open_hall, recentred, standing
from landmarks import CAMERA, Array, report

from bpnp_ros.keypoints.keypoints import keypoints_from_pixels
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.self_checks.map import MapCheck, doubted_pairs
from bpnp_ros.localizer.self_checks.regions import Regions
from bpnp_ros.map_model.map_model import MapModel

CORNER = np.array([15.0, 9.0, 2.0])
REGIONS = Regions.of(closed_hall())
NEAR_CELLS = [
    row
    for row in range(len(REGIONS))
    if np.linalg.norm(REGIONS.middle(np.array([row])) - CORNER) < 3
]
NEAR = np.isin(REGIONS.of_point, NEAR_CELLS)  # whole regions


def poses(seed: int, count: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        x, y = rng.uniform((2, 2), (12, 9))
        yield standing(x, y, np.arctan2(CORNER[1] - y, CORNER[0] - x) + rng.uniform(-0.5, 0.5))


def view(check: MapCheck, T: Array, seen: Array, rng: np.random.Generator, clutter: float) -> None:
    keypoints = keypoints_from_pixels(report(seen, T, rng, 0.3, clutter), CAMERA)
    frame = Frame.of(keypoints, CONFIG.keypoint_sigma, CONFIG.clutter, CPU)
    check.take(recentred(check._model, T)[0], frame, LensError())


def checked(
    seen: Array,
    seed: int,
    views: int = 100,
    clutter: float = 0.3,
    before: int = 60,
    model: MapModel | None = None,
) -> MapCheck:
    """before: views of the hall as the map has it; then so many of what is seen now."""
    check, rng = MapCheck(model or closed_hall()), np.random.default_rng(seed)
    for number, T in enumerate(poses(seed, before + views)):
        view(check, T, landmarks() if number < before else seen, rng, clutter)
    return check


MOVED = landmarks() + NEAR[:, None] * [0.0, 0.0, 0.8]
GONE = landmarks()[~NEAR]


@pytest.mark.parametrize("seen", [MOVED, GONE], ids=["moved", "gone"])
def test_the_part_that_changed_is_named_and_no_other(seen: Array) -> None:
    check = checked(seen, seed=1)
    words = check.notes[0]
    middle = np.array([float(part) for part in words.split("(")[1].split(")")[0].split(",")])
    assert np.linalg.norm(middle - CORNER) < 2.5
    assert "looks moved or gone" in words and "expected" in words
    accused = set(np.flatnonzero(check.changed))
    assert len(accused) > 2 and accused <= set(NEAR_CELLS)


@pytest.mark.parametrize("clutter", [0.0, 0.3, 0.6])
def test_a_true_map_is_not_accused(clutter: float) -> None:
    for seed in range(3):
        assert checked(landmarks(), seed, 60, clutter).notes == []


def test_what_was_never_seen_may_be_hidden_wherever_points_hide_others() -> None:
    assert checked(GONE, seed=1, before=0).notes == []
    assert checked(GONE, seed=1, before=0, model=open_hall()).notes != []


def test_a_part_that_is_hidden_from_other_places_is_not_missed_there() -> None:
    """Seen from one end of the hall, and by no means from the other."""
    check, rng = MapCheck(closed_hall()), np.random.default_rng(5)
    for x, seen in ((10.0, landmarks()), (3.0, GONE)):
        for y in np.linspace(2, 9, 40):
            yaw = np.arctan2(CORNER[1] - y, CORNER[0] - x)
            view(check, standing(x + rng.uniform(-1, 1), y, yaw), seen, rng, 0.3)
    assert check.notes == []


def test_what_hides_a_part_from_one_place_alone_is_no_reason() -> None:
    check, rng = checked(landmarks(), seed=2, views=0), np.random.default_rng(2)
    for turn in np.linspace(-0.3, 0.3, 40):
        view(check, standing(6, 6, 0.3 + turn), GONE, rng, 0.3)
    assert check.notes == []


def test_what_comes_back_is_believed_again() -> None:
    check, rng = checked(GONE, seed=3), np.random.default_rng(3)
    assert check.notes and check.doubts is not None
    for T in poses(4, 60):
        view(check, T, landmarks(), rng, 0.3)
    assert check.notes == [] and check.doubts is None


def test_points_of_a_changed_part_count_less() -> None:
    doubts = checked(GONE, seed=1).doubts
    assert doubts is not None and (doubts < 0).numpy()[NEAR].mean() > 0.4
    assert (doubts == 0).numpy()[~NEAR].all()
    pairs = doubted_pairs(torch.ones(5, len(doubts)), doubts, 5)
    assert pairs is not None and torch.equal(pairs[3], 1 + doubts)


def test_where_most_of_the_map_seems_gone_nobody_knows_what_is_right() -> None:
    check = checked(GONE, seed=1)
    check._nats[:] = 99.0
    assert check._doubts() is None


def test_relocalising_forgets_what_was_missed() -> None:
    localizer = Localizer(closed_hall(), None, CONFIG)
    localizer.checks.map = checked(GONE, seed=1)
    localizer.checks._tell()
    assert "MAP_CHANGED" in localizer.notes[0]
    localizer.reset()
    assert localizer.notes == [] and localizer.checks.map.doubts is None
