"""A map model from bare points, for maps that no weights were trained for."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.backends.open3d import hidden_point_removal
from bpnp_ros.configuration.parameters import LocalizerConfig
from bpnp_ros.errors import ConfigError, MapError
from bpnp_ros.map_model.contradiction import refuse_contradiction
from bpnp_ros.map_model.exploration import (
    FEW_PLACES,
    ExplorationConfig,
    coarse_view_space,
    depth_of_sight,
    explore,
)
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.motion import (
    AUTO,
    FLOOR,
    LEVEL,
    PHOTOGRAPHS,
    ROTATION,
    UNLIMITED,
    Motion,
    direction,
    mounting,
)
from bpnp_ros.map_model.occlusion.in_sight import InSight
from bpnp_ros.map_model.open_space import OpenSpace
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.point_map.cleaning import clean_map, thin_to_count
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.prepared import Tensors, prepared

PLACES_A_CELL = 1.5
CELL = 0.17  # width of a place, in depths of what is seen
MOST_PLACES = 17_000  # more take minutes to look around from
"""Of a hidden model."""
MOST_SIFTED = 500_000  # of very many points, every so many-th
MOST_COUNTED = 100_000  # points by which density is judged; of more, every so many-th
COARSE = 10_000  # points that show what is in sight, and how much of the map that is
SIGHT = 4.0  # depths; little is seen farther off
FEW_LANDMARKS, MOST_LANDMARKS = 400, 3000
"""Within sight. Few hide nothing; more than most are never looked at one and all."""
CLEARANCE = 1.5  # spacings of the points that a camera keeps from them
OPEN_SHARE = 0.8  # of landmarks that hidden-point removal leaves, of a map that hides nothing
THIN = 0.25  # thickness of a wall, in heights of it, standard deviations both
TILT_ON_A_FLOOR = 0.03  # radians


def motion_of(config: LocalizerConfig) -> Motion:
    """Where a camera can be, as the parameters say. Raises ConfigError."""
    if config.motion == PHOTOGRAPHS:
        raise ConfigError(
            "motion is photographs, but this map knows of none; give the COLMAP folder or the "
            "scene itself as the map, or another motion."
        )
    heights = (config.camera_height_min, config.camera_height_max)
    if heights[0] > heights[1]:
        raise ConfigError(
            f"camera_height_min, {heights[0]:g}, is above camera_height_max, {heights[1]:g}."
        )
    tilt = (
        min(config.camera_tilt, TILT_ON_A_FLOOR) if config.motion == FLOOR else config.camera_tilt
    )
    up, held = direction(config.up), mounting(config.camera_mounting)
    kind = LEVEL if config.motion == AUTO else config.motion
    return Motion(kind, up, held, tilt, heights)


def model_from_points(
    source: PointMap | NDArray[np.floating], config: LocalizerConfig, device: torch.device
) -> MapModel:
    """Thin a map, or clean and thin bare points (N, 3), and find what is seen from where.

    Few landmarks hide nothing; many do, see `occlusion`. Raises MapError for a map that
    is empty, degenerate, or without room for a camera, ConfigError for a motion that cannot be.
    """
    motion = motion_of(config)
    point_map = _directions(source) if motion.kind == ROTATION else _cleaned(source)
    sight = config.sight_range or math.inf
    if motion.kind == ROTATION or _hides_nothing(point_map, motion, sight):
        return _open_model(point_map, motion, sight, device)
    return _hidden_model(point_map, motion, config, device)


def _cleaned(source: PointMap | NDArray[np.floating]) -> PointMap:
    return source if isinstance(source, PointMap) else clean_map(source)


def _directions(source: PointMap | NDArray[np.floating]) -> PointMap:
    """Landmarks at infinity: unit vectors about the camera, nothing recentred."""
    points = source.in_map_frame if isinstance(source, PointMap) else source
    length = np.linalg.norm(points, axis=1, keepdims=True)
    usable = np.isfinite(length[:, 0]) & (length[:, 0] > 0)
    unit, rows = np.unique(points[usable] / length[usable], axis=0, return_index=True)
    if len(unit) < 3:
        raise MapError(f"the map has {len(unit)} usable directions; at least 3 are needed.")
    chance = np.ones(len(points), np.float32)
    if isinstance(source, PointMap):
        chance = source.detectability
    return PointMap(unit.astype(np.float32), np.zeros(3), chance[usable][rows])


def _hides_nothing(point_map: PointMap, motion: Motion, sight: float) -> bool:
    """Whether landmarks are so few, or so placed, that all in sight are seen from everywhere."""
    within_sight = _within_sight(point_map, sight)
    if within_sight <= FEW_LANDMARKS or within_sight > MOST_LANDMARKS:
        return within_sight <= FEW_LANDMARKS
    if motion.knows_up and _are_a_wall(point_map.points, motion.up):
        return True
    low, high = point_map.points.min(axis=0), point_map.points.max(axis=0)
    places = np.random.default_rng(0).uniform(low, high, (8, 3)).astype(np.float32)
    seen = [len(hidden_point_removal(point_map.points, place)) for place in places]
    return float(np.median(seen)) > OPEN_SHARE * len(point_map)


def _are_a_wall(points: NDArray[np.float32], up: NDArray[np.float64]) -> bool:
    """Whether points (N, 3) lie about an upright plane: a camera is beside it, never among them."""
    height = points @ up
    level = points - height[:, None] * up
    _, thickness, _ = np.linalg.svd(level - level.mean(axis=0), compute_uv=False)
    return bool(thickness < THIN * len(points) ** 0.5 * height.std())


def _within_sight(point_map: PointMap, sight: float) -> int:
    """How many landmarks lie within sight of a typical one."""
    if math.isinf(sight) or len(point_map) <= FEW_LANDMARKS:
        return len(point_map)
    every = max(len(point_map) // MOST_COUNTED, 1)
    counted = point_map.points[::every]
    some = counted[:: max(len(counted) // 200, 1)]
    near = [(np.linalg.norm(counted - point, axis=1) < sight).sum() for point in some]
    return every * int(np.median(near))


def _open_model(
    point_map: PointMap, motion: Motion, sight: float, device: torch.device
) -> MapModel:
    refuse_contradiction(point_map, motion)
    chance = torch.from_numpy(point_map.detectability)
    heights = _recentred_heights(point_map, motion)
    space = OpenSpace(torch.from_numpy(point_map.points), chance, motion, heights, sight)
    return MapModel(point_map, space.to(device))


def _recentred_heights(point_map: PointMap, motion: Motion) -> tuple[float, float]:
    """The limits as given; where none are, as far above and below the map as it is wide."""
    if motion.heights != UNLIMITED:
        offset = float(point_map.origin @ motion.up)
        return motion.heights[0] - offset, motion.heights[1] - offset
    along = point_map.points @ motion.up
    return float(along.min()) - point_map.extent, float(along.max()) + point_map.extent


def _hidden_model(
    point_map: PointMap, motion: Motion, config: LocalizerConfig, device: torch.device
) -> MapModel:
    """The model of a map whose points hide others; explored with up along z."""
    thinned = _thinned(point_map, motion, config)
    upright = _upright(thinned, motion)
    exploration = _exploration(upright, motion, config.sight_range or math.inf)
    in_sight = InSight(upright.points)
    depth = depth_of_sight(upright, in_sight, exploration, config.seed)
    exploration = replace(exploration, cell=CELL * depth)
    places = _places(upright, exploration)
    made_of = (upright.points, upright.detectability, exploration, places, config.seed)
    space = prepared(
        "places", made_of, lambda: _explored(upright, in_sight, exploration, places, config.seed)
    )
    turn = torch.from_numpy(motion.R_map_level).float()
    view_space = ViewSpace(
        space["anchors"] @ turn.T,
        space["seen"],
        space["chance"],
        turn.abs() @ space["reach"],
        motion.tilt,
        motion=motion,
    )
    return MapModel(thinned, view_space).to(device)


def _explored(
    upright: PointMap, in_sight: InSight, exploration: ExplorationConfig, places: int, seed: int
) -> Tensors:
    """The tensors of the view space; minutes in a large building."""
    samples = explore(upright, in_sight, places, exploration, seed)
    space = coarse_view_space(upright, samples, exploration)
    return {name: getattr(space, name) for name in ("anchors", "seen", "chance", "reach")}


def _thinned(point_map: PointMap, motion: Motion, config: LocalizerConfig) -> PointMap:
    """Thinned to `most_points` within SIGHT depths of a typical point: by density, not extent."""
    some = point_map.take(np.arange(0, len(point_map), max(len(point_map) // MOST_SIFTED, 1)))
    coarse = _upright(thin_to_count(some, COARSE), motion)
    exploration = _exploration(coarse, motion, config.sight_range or math.inf)
    sight = SIGHT * depth_of_sight(coarse, InSight(coarse.points), exploration, config.seed)
    share = _within_sight(coarse, sight) / len(coarse)
    return thin_to_count(point_map, round(config.most_points / share))


def _upright(point_map: PointMap, motion: Motion) -> PointMap:
    """The same with up along z."""
    R = motion.R_map_level
    points = point_map.points @ R.astype(np.float32)
    return replace(point_map, points=points, origin=point_map.origin @ R)


def _places(upright: PointMap, exploration: ExplorationConfig) -> int:
    """How many places the map's area is worth. Raises MapError where they are too many."""
    width, length, _ = np.ptp(upright.points, axis=0)
    places = max(round(PLACES_A_CELL * width * length / exploration.cell**2), FEW_PLACES)
    if places > MOST_PLACES:
        raise MapError(
            f"the map is {width:.0f} x {length:.0f} m, and what is seen in it is "
            f"{exploration.cell / CELL:.1f} m away: {places} places would have to be looked around "
            f"from, {MOST_PLACES} at most are; use a part of the map."
        )
    return places


def _exploration(upright: PointMap, motion: Motion, sight: float) -> ExplorationConfig:
    """Heights above the floor, the lowest points of the map: as told, however far above or below
    the map; where they are not, within it."""
    along = upright.points[:, 2]
    floor, ceiling = np.percentile(along, 1), float(along.max())
    low, high = (height - upright.origin[2] - floor for height in motion.heights)
    top, (lowest, highest) = ceiling - floor, UNLIMITED
    if motion.heights[0] == lowest:
        low = min(0.05 * top, high)
    if motion.heights[1] == highest:
        high = max(top, low)
    return ExplorationConfig(
        camera_height_min=float(low),
        camera_height_max=float(high),
        tilt=motion.tilt,
        clearance=CLEARANCE * _spacing(upright),
        range_max=sight,
    )


def _spacing(point_map: PointMap) -> float:
    """Median distance of a point from its nearest neighbour, metres."""
    some = torch.from_numpy(point_map.points[:: max(len(point_map) // 500, 1)])
    distance = torch.cdist(some, torch.from_numpy(point_map.points))
    return float(distance.topk(2, largest=False).values[:, 1].median())
