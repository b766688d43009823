"""From a map to a model of it and a source of training views: views of it that nobody took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import open3d
from bpnp_ros.errors import ConfigError
from bpnp_ros.geometry.camera import Camera, Frustum
from bpnp_ros.geometry.chart import PINHOLE
from bpnp_ros.keypoints.lens import WIDEST_PLANE, image_frustum, image_view
from bpnp_ros.map_model.exploration import (
    ExplorationConfig,
    SeenFrom,
    coarse_view_space,
    depth_of_sight,
    explore,
    fine_view_space,
    with_few_cells,
)
from bpnp_ros.map_model.from_photographs import model_from_photographs
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.occlusion.in_sight import InSight
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.point_map.mesh_file import read_mesh
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.point_map.sfm.sfm_model import SfmModel
from bpnp_ros.simulation.virtual_views import ViewNoise, ViewSource
from training.own_map.config import OwnMapConfig

Array = NDArray[np.float64]

# in depths of what is seen
COARSE_CELL, FINE_CELL = 0.17, 0.1
LAYER = 0.6  # height of a place, in its width
PLACES_A_CELL, FEWEST_PLACES = 4, 200


@dataclass(frozen=True, eq=False)
class MapViews:
    """model: what the bundle will hold. places: what the network tells apart.

    fine: exact places, for training views. frustums: the images of the cameras to train for.
    scale: metres per unit of the original map. metric: whether that is known.
    """

    model: MapModel
    places: ViewSpace
    fine: ViewSpace
    frustums: tuple[Frustum, ...]
    scale: float = 1.0
    metric: bool = True


def explore_map(
    point_map: PointMap,
    config: OwnMapConfig,
    mesh: Path | None = None,
    path: Array | None = None,
    cameras: Sequence[Camera] = (),
) -> MapViews:
    """Find free places and what is seen there: behind a mesh, or what the points make believe.

    path: (F, 3) where a camera was, in the map's frame; places lie near it. cameras: to train for
    these instead of the settings' one.
    """
    seen_from = InSight(point_map.points) if mesh is None else _ray_casting(point_map, mesh)
    path = None if path is None else path - point_map.origin
    exploration = _exploration(point_map, config)
    if not config.cell:
        depth = depth_of_sight(point_map, seen_from, exploration, config.seed, path)
        exploration = replace(exploration, cell=COARSE_CELL * depth)
    finer = _finer(exploration, config)
    cells = _area(point_map, path, config) / finer.cell**2
    count = config.places or max(round(PLACES_A_CELL * cells), FEWEST_PLACES)
    samples = explore(point_map, seen_from, count, exploration, config.seed, path)
    model = MapModel(point_map, coarse_view_space(point_map, samples, exploration))
    finer = with_few_cells(samples, finer, config.most_cells)
    places = coarse_view_space(point_map, samples, finer)
    fine = fine_view_space(point_map, samples, exploration)
    frustums = tuple(_view_of(camera) for camera in cameras or [settings_camera(config)])
    return MapViews(model, places, fine, frustums)


def _exploration(point_map: PointMap, config: OwnMapConfig) -> ExplorationConfig:
    return ExplorationConfig(
        camera_height_min=config.camera_height_min,
        camera_height_max=config.camera_height_max,
        tilt=config.tilt,
        range_max=config.range_max or point_map.extent,
        path_margin=config.path_margin,
        cell=2 * config.cell,
    )


def _finer(exploration: ExplorationConfig, config: OwnMapConfig) -> ExplorationConfig:
    """The places that the network tells apart: smaller than those of the localiser."""
    cell = config.cell or FINE_CELL / COARSE_CELL * exploration.cell
    return replace(exploration, cell=cell, layer=config.layer or LAYER * cell)


def _area(point_map: PointMap, path: Array | None, config: OwnMapConfig) -> float:
    """In which places are drawn, square metres: of the map, or around a path."""
    width, length, _ = np.ptp(point_map.points, axis=0)
    if path is None:
        return float(width * length)
    around = 2 * config.path_margin
    return len(np.unique(np.floor(path[:, :2] / around), axis=0)) * around**2


def _view_of(camera: Camera) -> Frustum:
    """Raises ConfigError for a camera that sees more than the network's plane holds."""
    if image_view(camera).chart != PINHOLE:
        raise ConfigError(
            f"the camera sees further than {2 * np.degrees(WIDEST_PLANE):.0f} degrees; a network "
            "is trained on the z = 1 plane, which ends there. The node finds such a camera without "
            "weights, by minimal_sets and likelihood_search."
        )
    return image_frustum(camera)


def photographed_map(photographs: SfmModel, scale: float) -> MapViews:
    """Views like those of the photographs of a map from structure from motion.

    scale: metres per unit of the map. Raises MapError for too few photographs.
    """
    model = model_from_photographs(photographs.scaled(scale))
    seen = model.places
    return MapViews(model, seen, seen, (photographs.covering_camera().frustum(),), scale)


def view_source(views: MapViews, config: OwnMapConfig) -> ViewSource:
    noise = ViewNoise(
        config.pixel_noise,
        (config.missed_min, config.missed_max),
        (config.clutter_min, config.clutter_max),
        config.clutter_clustered,
    )
    return ViewSource(views.fine, views.model.points, views.frustums, noise)


def settings_camera(config: OwnMapConfig) -> Camera:
    """The pinhole of the settings, its principal point in the middle."""
    f, half_width, half_height = config.focal, config.width / 2, config.height / 2
    K = np.array([[f, 0, half_width], [0, f, half_height], [0, 0, 1.0]])
    return Camera(K, config.width, config.height)


def _ray_casting(point_map: PointMap, mesh: Path) -> SeenFrom:
    vertices, triangles = read_mesh(mesh)
    caster = open3d.RayCaster(vertices - point_map.origin, triangles)
    return lambda positions: caster.visible(positions, point_map.points)
