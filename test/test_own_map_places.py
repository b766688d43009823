"""Which places and cameras the network for a map is trained for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bpnp_ros.errors import CameraError, MapError
from bpnp_ros.point_map.point_map import PointMap

pytest.importorskip("lightning")

from bpnp_ros.simulation.ply import write_ply
from training.own_map.camera_file import read_cameras
from training.own_map.config import OwnMapConfig
from training.own_map.map_views import explore_map, view_source

CONFIG = OwnMapConfig(places=150, path_margin=0.3)
CALIBRATION = """
image_width: 640
image_height: 400
camera_name: head
camera_matrix: {rows: 3, cols: 3, data: [500, 0, 300, 0, 510, 210, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [-0.2, 0.05, 0, 0, 0]}
"""


@pytest.fixture
def hall() -> PointMap:
    """Walls of a hall, far from the origin of its frame."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-6, -4, 0], [6, 4, 3], (600, 3))
    points[:300, 1] = np.where(points[:300, 1] > 0, 4, -4)
    points[300:, 0] = np.where(points[300:, 0] > 0, 6, -6)
    return PointMap.recentred(np.array([1e5, 0, 0]) + points, np.ones(600, np.float32))


@pytest.fixture
def mesh(tmp_path: Path) -> Path:
    """A floor below it all, which hides nothing."""
    corners = np.array([[-9, -9, -1], [9, -9, -1], [0, 9, -1]]) + np.array([1e5, 0, 0])
    write_ply(tmp_path / "mesh.ply", corners, np.array([[0, 1, 2]]))
    return tmp_path / "mesh.ply"


@pytest.fixture
def path() -> np.ndarray:
    x = np.linspace(-4, 4, 30)
    return np.stack([x + 1e5, np.full(30, 1.0), np.full(30, 2.2)], axis=1)


def test_along_a_recorded_path_places_lie_around_it(
    hall: PointMap, mesh: Path, path: np.ndarray
) -> None:
    views = explore_map(hall, CONFIG, mesh, path=path)
    for anchors in (views.fine.anchors, views.model.places.anchors):
        places = anchors.numpy() + hall.origin
        distance = np.linalg.norm(places[:, None] - path, axis=2).min(axis=1)
        assert distance.max() < np.sqrt(3) * 0.3 + 0.15  # of the next pose
        assert np.ptp(places[:, 0]) > 6
    assert len(views.fine.anchors) == 150


def test_without_a_path_places_fill_the_room(hall: PointMap, mesh: Path) -> None:
    places = explore_map(hall, CONFIG, mesh).fine.anchors.numpy() + hall.origin
    assert np.ptp(places[:, 1]) > 5


def test_along_a_short_path_there_are_places_enough_to_train(
    hall: PointMap, mesh: Path, path: np.ndarray
) -> None:
    views = explore_map(hall, OwnMapConfig(), mesh, path=path[:1])
    assert len(views.fine.anchors) >= 200


def test_a_path_in_another_frame_is_refused(hall: PointMap, mesh: Path, path: np.ndarray) -> None:
    with pytest.raises(MapError, match="map's frame"):
        explore_map(hall, CONFIG, mesh, path=path - [1e5 - 500, 0, 0])


def test_views_are_those_of_the_cameras_that_are_given(
    hall: PointMap, mesh: Path, tmp_path: Path
) -> None:
    (tmp_path / "head.yaml").write_text(CALIBRATION)
    (distorted,) = read_cameras(tmp_path / "head.yaml")
    pinhole = replace(distorted, D=())
    views = explore_map(hall, CONFIG, mesh, cameras=[distorted, pinhole])
    barrel, plain = views.frustums
    assert plain.x_max == pytest.approx((640 - 300) / 500)
    assert barrel.x_max > plain.x_max + 0.02  # the corners of a barrel see farther
    xy = view_source(views, CONFIG).draw(200, torch.Generator().manual_seed(0)).xy
    assert plain.x_max < xy[..., 0].max() < barrel.x_max + 0.02


@pytest.mark.parametrize(
    "text",
    [
        "",
        "image_width: 640",
        "camera_matrix: 3",
        "a: {",
        "- 1",
        CALIBRATION.replace("640", ".inf"),
        CALIBRATION.replace("640", ".nan"),
    ],
)
def test_a_file_that_is_no_calibration_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "head.yaml").write_text(text)
    with pytest.raises(CameraError, match=r"head\.yaml"):
        read_cameras(tmp_path / "head.yaml")


def test_the_network_tells_finer_places_apart_than_the_localiser(
    hall: PointMap, mesh: Path
) -> None:
    views = explore_map(hall, CONFIG, mesh)
    coarse = views.model.places
    assert (views.places.reach < coarse.reach).all()
    assert len(views.places.anchors) > len(coarse.anchors)


def test_places_are_larger_where_they_would_take_more_memory(hall: PointMap, mesh: Path) -> None:
    few = explore_map(hall, replace(CONFIG, memory=0.001), mesh).places
    assert 10 < len(few.anchors) <= replace(CONFIG, memory=0.001).most_cells == 19
    distance = torch.cdist(few.anchors, few.anchors) + 9 * torch.eye(len(few.anchors))
    assert distance.min() > 0.1


def test_a_hall_three_times_as_wide_has_as_many_places(tmp_path: Path) -> None:
    """What is seen in it is three times as far away."""
    counts = []
    for scale in (1.0, 3.0):
        rng = np.random.default_rng(0)
        points = rng.uniform([-6, -4, 0], [6, 4, 3], (600, 3))
        points[:300, 1] = np.where(points[:300, 1] > 0, 4, -4)
        points[300:, 0] = np.where(points[300:, 0] > 0, 6, -6)
        corners = np.array([[-99, -99, -9], [99, -99, -9], [0, 99, -9]], float)
        write_ply(tmp_path / f"{scale}.ply", corners, np.array([[0, 1, 2]]))
        config = OwnMapConfig(camera_height_min=scale, camera_height_max=1.5 * scale)
        views = explore_map(PointMap.recentred(scale * points), config, tmp_path / f"{scale}.ply")
        counts.append((len(views.fine.anchors), len(views.places.anchors)))
    assert counts[1] == pytest.approx(counts[0], rel=0.15)
    assert counts[0][0] > 1.5 * counts[0][1] > 100
