"""What a map's file says of its points reaches the localiser: chances, cues, photographs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from colmap_scene import write_text
from landmarks import CAMERA as LAMP_CAMERA
from landmarks import ceiling_lamps, held
from orbit import CAMERA, orbit, write_scene

from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.keypoints.keypoints import keypoints_from_pixels
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.proposers.own_map_network import OwnMapNetwork
from bpnp_ros.localizer.types import Fix
from bpnp_ros.point_map.loading import load_map
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.runtime.maps import Maps
from bpnp_ros.weights.chosen import ChosenWeights

FEW_VIEWS = LocalizerConfig(bank_views=2000, min_inliers=8, seed=1)


def node_localizer(path: Path, scale: float = 0.0) -> Localizer:
    """The one that a node makes of `map_file`."""
    settings = LocalizationSettings(map_file=str(path), map_scale=scale)
    maps = Maps(settings, Engine(FEW_VIEWS, torch.device("cpu"), ChosenWeights()))
    maps.load_file()
    assert maps.active is not None
    return maps.active.localizer


def door_localizer(path: Path, scale: float = 0.0) -> Localizer:
    return Localizer.from_map(path, config=FEW_VIEWS, scale=scale or None)


Way = Callable[..., Localizer]
WAYS = pytest.mark.parametrize("way", [node_localizer, door_localizer])


@WAYS
def test_chances_and_labels_of_a_file_reach_the_localizer(way: Way, tmp_path: Path) -> None:
    lamps = ceiling_lamps(np.random.default_rng(0), 12)
    chance, label = np.linspace(0.3, 0.9, 12), np.arange(12)
    np.savez(tmp_path / "map.npz", points=lamps, detectability=chance, label=label)
    model = way(tmp_path / "map.npz").map_model
    order = np.argsort(model.point_map.detectability)
    np.testing.assert_allclose(model.point_map.detectability[order], chance, rtol=1e-6)
    np.testing.assert_allclose(model.view_space.chance.numpy()[order], chance, rtol=1e-6)
    assert model.point_map.cues["label"][order].tolist() == label.tolist()


def test_a_class_of_a_file_is_compared_with_that_of_keypoints(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    lamps, label = ceiling_lamps(rng, 160), rng.integers(2, size=160)
    rows = np.column_stack([lamps, label])
    np.savetxt(tmp_path / "lamps.csv", rows, "%.4f", ",", header="x,y,z,label", comments="")
    config = LocalizerConfig(
        motion="floor", camera_mounting="up", camera_height_min=0.4, camera_height_max=0.6
    )
    localizer = Localizer.from_map(tmp_path / "lamps.csv", config=config)
    T = held("up", 1.0, np.array([10.0, 6.0, 0.5]), np.zeros(2))
    in_camera = (lamps - T[:3, 3]) @ T[:3, :3]
    pixels = (in_camera / in_camera[:, 2:]) @ LAMP_CAMERA.K[:2].T
    seen = LAMP_CAMERA.image_contains(pixels)
    shown = {"label": label[seen].astype(np.float32)}
    with_class = keypoints_from_pixels(pixels[seen], LAMP_CAMERA, cues=shown)
    plain, told = localizer.localize(pixels[seen], LAMP_CAMERA), localizer.localize(with_class)
    assert isinstance(plain, Fix) and isinstance(told, Fix)
    assert told.log_likelihood_ratio > plain.log_likelihood_ratio + 1


@WAYS
def test_a_scene_keeps_its_mapping_cameras(way: Way, tmp_path: Path) -> None:
    scene = orbit()
    localizer = way(write_scene(scene, tmp_path / "scene.npz"), scale=2.0)
    space, origin = localizer.map_model.places, localizer.map_model.point_map.origin
    anchors = space.anchors.numpy() + origin
    np.testing.assert_allclose(anchors, 2 * scene.T_map_camera[:, :3, 3], atol=1e-4)
    assert localizer.assumed == "near the map's photographs"
    assert OwnMapNetwork.name in localizer.proposers  # counted, without a training


@WAYS
def test_a_colmap_folder_keeps_its_mapping_cameras(way: Way, tmp_path: Path) -> None:
    assert len(way(write_text(tmp_path)).map_model.places.anchors) == 5


def test_a_camera_finds_itself_near_the_photographs_of_a_scene(tmp_path: Path) -> None:
    scene = orbit(images=25)
    mapping = scene.with_images([image for image in range(25) if image != 12])
    localizer = door_localizer(write_scene(mapping, tmp_path / "scene.npz"))
    T = scene.T_map_camera[12]
    xy, _ = scene.keypoints_of(12)
    pixels = xy @ CAMERA.K[:2, :2].T + CAMERA.K[:2, 2]
    answer = localizer.localize(pixels, CAMERA)
    assert isinstance(answer, Fix)
    assert np.linalg.norm(answer.T_map_camera[:3, 3] - T[:3, 3]) < 0.05


def test_photographs_too_few_to_tell_leave_the_points(tmp_path: Path) -> None:
    few = orbit().with_images([0, 1, 2])
    localizer = door_localizer(write_scene(few, tmp_path / "scene.npz"))
    assert not localizer.map_model.from_photographs
    assert "level" in localizer.assumed


def test_a_motion_that_is_told_goes_before_the_photographs(tmp_path: Path) -> None:
    path = write_scene(orbit(), tmp_path / "scene.npz")
    level = Localizer.from_map(path, config=replace(FEW_VIEWS, motion="free"))
    assert level.assumed == "any pose"


def test_a_scene_is_thinned_to_what_most_photographs_saw(tmp_path: Path) -> None:
    scene = orbit(points=300)
    path = write_scene(scene, tmp_path / "scene.npz")
    model = Localizer.from_map(path, config=replace(FEW_VIEWS, most_points=100)).map_model
    assert len(model.point_map) == 100
    assert load_map(path).photographs is not None
    most = np.sort(scene.track_length)[-100]
    assert model.point_map.photographs is not None
    assert model.point_map.photographs.track_length.min() >= most
