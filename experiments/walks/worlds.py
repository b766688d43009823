"""Worlds to walk in: buildings whose walls hide points, and halls where nothing is hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.simulation.camera_path import make_camera_path
from bpnp_ros.simulation.observation import DetectorNoise, observe
from bpnp_ros.simulation.world import World
from experiments.trust.worlds.buildings import CAMERA, building, model_of, twin_buildings
from experiments.walks.script import FRAMES, HERTZ, Script
from experiments.zoo.kind import Array, heights, held, seen
from experiments.zoo.lamps import UP, grid
from experiments.zoo.rooms import FLOOR, on_walls

See = Callable[[Array, np.random.Generator], Array]
"""From T_map_camera (4, 4) to the pixels (M, 2) that a detector reports, clutter among them."""

MISSED, NOISE = 0.1, 1.0  # share of the landmarks in view, and pixels
DIFFERENT = 0.2  # share of a room's reflectors that its twin has elsewhere
PERIOD = 0.45  # metres from lamp to lamp in the corridor


@dataclass(frozen=True, eq=False)
class Place:
    """A map and its eyes. path: poses (FRAMES, 4, 4) by a script and a generator."""

    localizer: Localizer
    see: See
    path: Callable[[Script, np.random.Generator], Array]


def in_a_building(world: World, elsewhere: Array | None) -> Place:
    """elsewhere: (3,) metres to its twin, where kidnaps lead; else into another room."""

    def path(script: Script, rng: np.random.Generator) -> Array:
        walk = make_camera_path(
            world.plan, int(rng.integers(2**31)), FRAMES / HERTZ, HERTZ, int(elsewhere is None)
        )
        T = walk.T_map_camera.copy()
        if elsewhere is None:  # both halves of the walk meet at the kidnap of the script
            T = np.roll(T, script.kidnap - FRAMES // 2, axis=0)
        else:
            T[script.kidnap :, :3, 3] += elsewhere
        return _turned(T, script.turned)

    localizer = Localizer(model_of(world), None, LocalizerConfig(bank_views=8000))
    return Place(localizer, lambda T, rng: _observed(world, T, rng), path)


def _observed(world: World, T_map_camera: Array, rng: np.random.Generator) -> Array:
    pixels = observe(world, T_map_camera, CAMERA, DetectorNoise(), rng).pixels
    return pixels.astype(np.float64)


def in_the_open(
    landmarks: Array, told: dict[str, object], middle: Array, radii: tuple[float, float],
    look: str = "forward", kidnap: Array | None = None,
) -> Place:  # fmt: skip
    """kidnap: (3,) metres to where kidnaps lead; else half-way round the path."""

    def path(script: Script, rng: np.random.Generator) -> Array:
        seconds = np.arange(FRAMES) / HERTZ + rng.uniform(0, 100)
        if kidnap is None:
            seconds = seconds + 40 * (np.arange(FRAMES) >= script.kidnap)
        speeds = 0.6 / np.maximum(radii, 0.1)
        ways = [r * np.sin(w * seconds) for r, w in zip(radii, speeds * (1, 0.6), strict=True)]
        ahead = np.arctan2(*[np.gradient(way) for way in reversed(ways)])
        position = middle + np.column_stack([*ways, 0 * seconds])
        if kidnap is not None:
            position[script.kidnap :] += kidnap
        yaw = ahead + script.turned
        return np.stack([held(look, a, p, rng) for a, p in zip(yaw, position, strict=True)])

    config = LocalizerConfig(**told)  # type: ignore[arg-type]
    most = config.sight_range or np.inf
    return Place(
        Localizer.from_map(landmarks, config=config),
        lambda T, rng: _reported(landmarks, T, most, rng),
        path,
    )


def _reported(landmarks: Array, T: Array, most: float, rng: np.random.Generator) -> Array:
    pixels = seen(landmarks, T, most, CAMERA)[0]
    pixels = pixels[rng.random(len(pixels)) >= MISSED]
    pixels = pixels + rng.normal(scale=NOISE, size=pixels.shape)
    clutter = rng.uniform(0, (CAMERA.width, CAMERA.height), (len(pixels) // 4, 2))
    return rng.permutation(np.concatenate([pixels, clutter]))


def _turned(T_map_camera: Array, angle: Array) -> Array:
    """Poses (F, 4, 4) turned about the map's z by angles (F,)."""
    c, s, o = np.cos(angle), np.sin(angle), 0 * angle
    R = np.stack([np.stack([c, -s, o]), np.stack([s, c, o]), np.stack([o, o, o + 1])])
    T = T_map_camera.copy()
    T[:, :3, :3] = R.transpose(2, 0, 1) @ T[:, :3, :3]
    return T


def twin_rooms(seed: int) -> Place:
    """Two rooms of 40 reflectors, a fifth of which differ; a camera is carried to the other."""
    rng = np.random.default_rng(seed)
    room, other = on_walls(8, 6, 40, rng), on_walls(8, 6, 40, rng)
    twin = np.where(rng.random(40)[:, None] < DIFFERENT, other, room)
    way = np.array([12.0, 0, 0])
    landmarks = np.concatenate([room, twin + way])
    return in_the_open(landmarks, FLOOR, np.array([4, 3, 1.2]), (2, 1.5), kidnap=way)


def corridor(seed: int) -> Place:
    """Lamps every 0.45 m along both sides of a ceiling, and an end that differs."""
    rng = np.random.default_rng(seed)
    x = np.arange(0, 14, PERIOD)
    sides = [np.column_stack([x, np.full_like(x, y), np.full_like(x, 3.0)]) for y in (0, 1.3)]
    end = rng.uniform([14, 0, 3], [15.5, 1.3, 3.0], (5, 3))
    told = {**UP, **heights(0.5)}
    landmarks = np.concatenate([*sides, end])
    still = np.zeros(3)  # carried off by some periods nobody could tell
    return in_the_open(landmarks, told, np.array([8, 0.6, 0.5]), (6, 0.2), "up", still)


def lamps(seed: int) -> Place:
    """The zoo's grid of lamps with gaps."""
    landmarks = grid(np.random.default_rng(seed))
    return in_the_open(landmarks, UP, np.array([13, 8, 0.5]), (9, 5), "up", np.zeros(3))


def hall(seed: int) -> Place:
    """150 reflectors on the walls of a hall of 40 x 25 m."""
    landmarks = on_walls(40, 25, 150, np.random.default_rng(seed))
    return in_the_open(landmarks, FLOOR, np.array([20, 12, 1.2]), (12, 7))


WORLDS: dict[str, Callable[[int], Place]] = {
    "building": lambda seed: in_a_building(building(seed), None),
    "twin buildings": lambda seed: in_a_building(twin_buildings(seed), np.array([40.0, 0, 0])),
    "twin rooms": twin_rooms,
    "repeating corridor": corridor,
    "lamp grid": lamps,
    "hall": hall,
}


@lru_cache(maxsize=1)
def place(world: str, seed: int) -> Place:
    """The same for all walks in it."""
    return WORLDS[world](seed)
