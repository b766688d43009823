"""Where one frame is not enough, frames together are; until then nothing is published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from landmarks import CAMERA, held, report

from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.localizer.localizer import LOST, TRACKING, Localizer
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.runtime.maps import Maps
from bpnp_ros.weights.chosen import load_chosen

Array = np.ndarray
UNDER_LAMPS = LocalizerConfig(
    motion="floor", camera_mounting="up", camera_height_min=0.45, camera_height_max=0.55
)
GAPS = [(2, 5), (5, 3), (3, 2)]
AHEAD = LocalizerConfig(motion="floor", camera_height_min=1.1, camera_height_max=1.3)


def lamp_grid(gaps: Iterable[tuple[int, int]] = ()) -> Array:
    """Lamps (N, 3) a metre apart, 8 by 8, some of them missing."""
    cells = [(x, y) for x in range(8) for y in range(8) if (x, y) not in set(gaps)]
    return np.array([(x, y, 3.0) for x, y in cells])


def twin_rooms() -> Array:
    """Two rooms whose reflectors are placed alike, 12 m apart, and some along the way between."""
    rng = np.random.default_rng(0)
    room = rng.uniform((0, 0, 0.5), (6, 6, 3.0), (40, 3))
    way = rng.uniform((6, 2, 0.5), (12, 4, 3.0), (14, 3))
    return np.concatenate([room, room + np.array([12.0, 0, 0]), way])


def repeating_corridor() -> Array:
    """Lamps along a ceiling every 0.45 m on both sides, and an end of its own at x = 14 m."""
    x = np.arange(0, 14, 0.45)
    sides = [np.stack([x, np.full_like(x, y), np.full_like(x, 3.0)], 1) for y in (0.0, 1.3)]
    end = [(14.2, 0.4, 3.0), (14.5, 0.9, 3.0), (14.9, 0.1, 3.0), (15.1, 1.1, 3.0)]
    return np.concatenate([*sides, np.array(end)])


def walk(start: tuple[float, float], goal: tuple[float, float], steps: int, yaw: float = 0.0,
         look: str = "up", height: float = 0.5) -> list[Array]:  # fmt: skip
    """Poses (4, 4) from one place to another, without turning."""
    ways = np.linspace(start, goal, steps)
    return [held(look, yaw, np.append(at, height), np.zeros(2)) for at in ways]


def answers_on(
    localizer: Localizer, landmarks: Array, path: list[Array], seed: int,
    odometry: list[Array] | None = None, first: float = 0.0,
) -> list[Fix | Rejection]:  # fmt: skip
    """What is answered at 5 frames a second; odometry: (4, 4) each, None where there is none."""
    rng = np.random.default_rng(seed)
    answers = []
    for step, T in enumerate(path):
        pixels = report(landmarks, T, rng, 0.05, 0.1)
        told = None if odometry is None else odometry[step]
        answers.append(localizer.localize(pixels, CAMERA, stamp=first + 0.2 * step, odometry=told))
    return answers


def reckoned(path: list[Array]) -> list[Array]:
    """The path as odometry has it: in a frame of its own."""
    start = np.linalg.inv(held("up", 0.7, np.array([3.0, 1.0, 0.0]), np.zeros(2)))
    return [start @ T for T in path]


def wrong(answers: list[Fix | Rejection], path: list[Array]) -> list[float]:
    """Metres of the fixes that are off by more than 0.1 m."""
    off = [
        float(np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3]))
        for answer, T in zip(answers, path, strict=True)
        if isinstance(answer, Fix)
    ]
    return [metres for metres in off if metres > 0.1]


@pytest.mark.parametrize("with_odometry", [True, False])
def test_a_lamp_grid_is_told_by_its_gaps(with_odometry: bool) -> None:
    grid = lamp_grid(gaps=GAPS)
    localizer = Localizer.from_map(grid, config=UNDER_LAMPS)
    path = walk((2.3, 2.4), (5.2, 5.3), 14, yaw=0.4)
    odometry = reckoned(path) if with_odometry else None
    answers = answers_on(localizer, grid, path, 1, odometry)
    assert wrong(answers, path) == []
    assert isinstance(answers[-1], Fix)
    assert localizer.state == TRACKING


def drifting(path: list[Array]) -> list[Array]:
    """Odometry that takes each step for 5 % longer than it is and turns a fifth of a degree."""
    here, found = np.eye(4), [np.eye(4)]
    slip = np.eye(4)
    c, s = np.cos(np.radians(0.2)), np.sin(np.radians(0.2))
    slip[:2, :2] = [[c, -s], [s, c]]
    for before, now in pairwise(path):
        step = np.linalg.inv(before) @ now
        step[:3, 3] *= 1.05
        here = here @ step @ slip
        found.append(here)
    return found


def late(path: list[Array]) -> list[Array]:
    """Odometry that is always a frame behind."""
    told = reckoned(path)
    return [told[0], *told[:-1]]


@pytest.mark.parametrize("told", [drifting, late])
def test_odometry_that_is_not_exact_still_tells_places_apart(
    told: Callable[[list[Array]], list[Array]],
) -> None:
    grid = lamp_grid(gaps=GAPS)
    localizer = Localizer.from_map(grid, config=UNDER_LAMPS)
    path = walk((2.3, 2.4), (5.2, 5.3), 14, yaw=0.4)
    answers = answers_on(localizer, grid, path, 1, told(path))
    assert wrong(answers, path) == []
    assert isinstance(answers[-1], Fix)


def test_places_in_one_map_are_forgotten_in_another() -> None:
    """A map is replaced while many places of it are still possible."""
    settings, cpu = LocalizationSettings(), torch.device("cpu")
    maps = Maps(settings, Engine(UNDER_LAMPS, cpu, load_chosen("", cpu)))
    grid = lamp_grid(gaps=GAPS)
    path = walk((2.3, 2.4), (5.2, 5.3), 14, yaw=0.4)
    for lamps in (lamp_grid(), grid):
        maps._use(PointMap.recentred(lamps), "map", True)
        assert maps.active is not None
        answers = answers_on(maps.active.localizer, lamps, path, 1, reckoned(path))
        assert wrong(answers, path) == []
        assert isinstance(answers[-1], Fix) is (lamps is grid)


def test_a_row_of_lamps_is_told_by_all_of_its_gaps_that_were_passed() -> None:
    """Of two rows some lamps are missing, few in every frame; the way is twelve views long."""
    rng = np.random.default_rng(2)
    cells = [(x, y) for x in range(30) for y in range(2) if rng.random() > 0.15]
    lamps = np.array([(x, 1.2 * y, 3.0) for x, y in cells])
    localizer = Localizer.from_map(lamps, config=replace(UNDER_LAMPS, max_speed=5.0))
    path = walk((3, 0.6), (22.6, 0.7), 28, yaw=0.2)
    answers = answers_on(localizer, lamps, path, 2, reckoned(path))
    assert wrong(answers, path) == []
    assert any(isinstance(answer, Fix) for answer in answers)


def test_a_whole_grid_is_never_told_and_says_how_many_places_are_left() -> None:
    grid = lamp_grid()
    localizer = Localizer.from_map(grid, config=UNDER_LAMPS)
    path = walk((3.0, 3.2), (4.4, 4.3), 10, yaw=0.4)
    answers = answers_on(localizer, grid, path, 2, reckoned(path))
    assert all(isinstance(answer, Rejection) for answer in answers)
    last = answers[-1]
    assert isinstance(last, Rejection) and last.category is Category.AMBIGUOUS
    assert "places are left after" in last.message
    assert localizer.state == LOST


def test_twin_rooms_are_told_apart_by_the_way_between_them() -> None:
    rooms = twin_rooms()
    localizer = Localizer.from_map(rooms, config=AHEAD)
    inside = walk((1.0, 3.0), (1.6, 3.0), 4, look="forward", height=1.2, yaw=np.pi)
    assert all(isinstance(answer, Rejection) for answer in answers_on(localizer, rooms, inside, 3))
    localizer.reset()
    path = walk((3.0, 3.0), (7.0, 3.0), 20, look="forward", height=1.2)
    answers = answers_on(localizer, rooms, path, 3, reckoned(path))
    assert wrong(answers, path) == []
    assert isinstance(answers[-1], Fix)


def test_a_corridor_that_repeats_is_told_by_its_end() -> None:
    corridor = repeating_corridor()
    localizer = Localizer.from_map(corridor, config=UNDER_LAMPS)
    path = walk((7.0, 0.6), (13.6, 0.7), 18)
    answers = answers_on(localizer, corridor, path, 4, reckoned(path))
    assert wrong(answers, path) == []
    assert all(isinstance(answer, Rejection) for answer in answers[:5])
    assert isinstance(answers[-1], Fix)


def test_a_camera_that_stands_still_learns_nothing_new() -> None:
    grid = lamp_grid(gaps=[(2, 5)])
    localizer = Localizer.from_map(grid, config=UNDER_LAMPS)
    path = [held("up", 0.4, np.array([5.4, 2.3, 0.5]), np.zeros(2))] * 6
    answers = answers_on(localizer, grid, path, 5, reckoned(path))
    messages = [answer.message for answer in answers if isinstance(answer, Rejection)]
    assert len(messages) == 6
    assert all("after 1 view" in message for message in messages[1:])


def test_a_camera_that_is_carried_off_meanwhile_is_never_placed_wrongly() -> None:
    grid = lamp_grid(gaps=GAPS)
    localizer = Localizer.from_map(grid, config=UNDER_LAMPS)
    before = walk((1.5, 1.4), (2.2, 1.6), 5, yaw=0.4)
    after = walk((5.2, 5.3), (2.3, 2.4), 16, yaw=2.0)
    answers = answers_on(localizer, grid, before + after, 6)
    assert wrong(answers, before + after) == []


@pytest.mark.parametrize("seed", [7, 8])
def test_odometry_that_lies_leads_to_no_wrong_pose(seed: int) -> None:
    grid = lamp_grid(gaps=GAPS)
    localizer = Localizer.from_map(grid, config=UNDER_LAMPS)
    path = walk((2.3, 2.4), (5.2, 5.3), 10, yaw=0.4)
    backwards = reckoned(path)[::-1]
    assert wrong(answers_on(localizer, grid, path, seed, backwards), path) == []
    localizer.reset()
    standing = [np.eye(4)] * len(path)
    assert wrong(answers_on(localizer, grid, path, seed, standing), path) == []
