"""Bundles: a map and its network in one file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bpnp_ros.configuration.parameters import LocalizationSettings, LocalizerConfig
from bpnp_ros.errors import WeightsError
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.network.bpnpnet_map import BPnPNetMap, NetworkSize
from bpnp_ros.network.places import Places
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.runtime.maps import Maps
from bpnp_ros.weights.bundle import ARCHITECTURE, MapBundle
from bpnp_ros.weights.chosen import ChosenWeights
from bpnp_ros.weights.safetensors_file import WeightsHeader, load_weights, save_weights

SHIPPED = Path(__file__).parents[1] / "bpnp_ros" / "data" / "demo_bundle.safetensors"


@pytest.fixture
def points() -> np.ndarray:
    offset = np.array([5e6, -3e6, 100.0])
    return np.random.default_rng(0).uniform(-5, 5, size=(60, 3)) + offset


@pytest.fixture
def bundle(points: np.ndarray) -> MapBundle:
    torch.manual_seed(0)
    point_map = PointMap.recentred(points)
    seen = torch.arange(60).repeat(3, 1)
    space = ViewSpace(torch.randn(3, 3), seen, torch.rand(3, 60), torch.full((3,), 0.3), 0.1)
    model = MapModel(point_map, space)
    size = NetworkSize(harmonics=4, bands=3, yaws=12, features=5)
    finer = replace(space, anchors=torch.randn(5, 3), reach=torch.full((3,), 0.2))
    network = BPnPNetMap(model.points, Places(finer), size)
    network.panorama.set_log_odds(0.2 * torch.randn(5, 12, 3))
    return MapBundle(model, network, {"command": "a test"}, 0.07, "map", 2.0)


def test_what_is_saved_is_loaded(bundle: MapBundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "b.safetensors")
    loaded = MapBundle.load(tmp_path / "b.safetensors")
    assert (loaded.card, loaded.tolerance, loaded.frame, loaded.scale) == (
        bundle.card, 0.07, "map", 2.0,
    )  # fmt: skip
    assert loaded.metric
    np.testing.assert_array_equal(loaded.model.point_map.origin, bundle.model.point_map.origin)
    np.testing.assert_array_equal(loaded.model.point_map.points, bundle.model.point_map.points)
    space, was = loaded.model.places, bundle.model.places
    assert torch.equal(space.seen, was.seen) and space.tilt == was.tilt
    torch.testing.assert_close(space.chance, was.chance, atol=1 / 255, rtol=0)


def test_a_map_without_scale_stays_one_in_a_bundle(bundle: MapBundle, tmp_path: Path) -> None:
    replace(bundle, metric=False).save(tmp_path / "b.safetensors")
    loaded = MapBundle.load(tmp_path / "b.safetensors")
    settings = LocalizationSettings()
    maps = Maps(settings, Engine(LocalizerConfig(), torch.device("cpu"), ChosenWeights(loaded)))
    maps.use_bundle()
    assert maps.active is not None and not maps.active.metric


def test_the_loaded_network_answers_like_the_saved_one(bundle: MapBundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "b.safetensors")
    loaded = MapBundle.load(tmp_path / "b.safetensors").network
    assert loaded is not None and bundle.network is not None
    xy, mask = torch.rand(1, 8, 2) - 0.5, torch.ones(1, 8, dtype=torch.bool)
    torch.testing.assert_close(
        loaded(xy, mask).exp(), bundle.network(xy, mask).exp(), atol=0.02, rtol=0.05
    )


def test_saving_again_changes_nothing(bundle: MapBundle, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.safetensors", tmp_path / "twice.safetensors"
    bundle.save(once)
    MapBundle.load(once).save(twice)
    assert once.read_bytes() == twice.read_bytes()


def test_a_bundle_may_have_no_network(bundle: MapBundle, tmp_path: Path) -> None:
    MapBundle(bundle.model, None, {}).save(tmp_path / "b.safetensors")
    assert MapBundle.load(tmp_path / "b.safetensors").network is None


def test_its_map_is_recognised_reordered_and_another_is_not(
    bundle: MapBundle, points: np.ndarray
) -> None:
    assert bundle.recognises(points[::-1])
    assert not bundle.recognises(points + 1.0)


@pytest.mark.parametrize("size", [0, 7, 200, 2000])
def test_a_truncated_bundle_is_refused(bundle: MapBundle, tmp_path: Path, size: int) -> None:
    bundle.save(tmp_path / "b.safetensors")
    whole = (tmp_path / "b.safetensors").read_bytes()
    assert len(whole) > size
    (tmp_path / "b.safetensors").write_bytes(whole[:size])
    with pytest.raises(WeightsError, match=r"b\.safetensors"):
        MapBundle.load(tmp_path / "b.safetensors")


def test_weights_without_a_map_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "b.safetensors"
    save_weights(path, {"points": torch.zeros(3, 3)}, WeightsHeader("bpnpnet_map"))
    with pytest.raises(WeightsError, match="no complete bundle"):
        MapBundle.load(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seen", torch.full((3, 60), 60)),
        ("seen", torch.full((3, 60), -1)),
        ("seen", torch.zeros(3, 0, dtype=torch.int64)),
        ("chance", torch.zeros(3, 2)),
        ("points", torch.zeros(59, 3)),
        ("points", torch.zeros(60)),
        ("origin", torch.zeros(2)),
        ("reach", torch.zeros(())),
        ("orientations", torch.zeros(2, 3, 3)),
    ],
)
def test_a_bundle_whose_parts_do_not_fit_is_refused(
    bundle: MapBundle, tmp_path: Path, name: str, value: torch.Tensor
) -> None:
    path = tmp_path / "b.safetensors"
    bundle.save(path)
    tensors, header = load_weights(path, ARCHITECTURE)
    save_weights(path, {**tensors, name: value}, header)
    with pytest.raises(WeightsError, match="no complete bundle"):
        MapBundle.load(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("tolerance", []), ("tolerance", float("nan")), ("scale", 0), ("tilt", "0.1"), ("frame", 5)],
)
def test_a_bundle_whose_header_makes_no_sense_is_refused(
    bundle: MapBundle, tmp_path: Path, name: str, value: Any
) -> None:
    path = tmp_path / "b.safetensors"
    bundle.save(path)
    tensors, header = load_weights(path, ARCHITECTURE)
    header.map[name] = value
    save_weights(path, tensors, header)
    with pytest.raises(WeightsError, match=f"its {name} is"):
        MapBundle.load(path)


def test_the_shipped_bundle_knows_the_demo_world_and_how_it_was_made() -> None:
    from bpnp_ros.simulation.world import make_world

    bundle = MapBundle.load(SHIPPED)
    assert bundle.recognises(make_world(0).landmarks)
    assert "training.own_map" in bundle.card["command"]
    assert "make_world(0)" in bundle.card["world"] and bundle.card["figures"]
    assert SHIPPED.stat().st_size < 12e6


def with_cues(bundle: MapBundle) -> MapBundle:
    size = np.where(np.arange(60) % 7 == 0, np.nan, 0.02).astype(np.float32)
    cues: dict[str, np.ndarray] = {
        "rgb": np.arange(180, dtype=np.uint8).reshape(60, 3),
        "label": np.arange(-1, 59, dtype=np.int32),
        "size": size,
        "angle": np.where(np.isnan(size)[:, None], np.nan, np.eye(3)[np.arange(60) % 3]),
    }
    noise = {"rgb": np.array([3.0, 1, 2]), "size": np.array([0.1])}
    point_map = replace(bundle.model.point_map, cues=cues, cue_noise=noise)
    return replace(bundle, model=replace(bundle.model, point_map=point_map))


def test_the_cues_of_the_map_are_in_its_bundle(bundle: MapBundle, tmp_path: Path) -> None:
    made = with_cues(bundle)
    made.save(tmp_path / "b.safetensors")
    loaded = MapBundle.load(tmp_path / "b.safetensors").model.point_map
    assert set(loaded.cues) == {"rgb", "label", "size", "angle"}
    for name, values in made.model.point_map.cues.items():
        assert name == "angle" or loaded.cues[name].dtype == values.dtype
        np.testing.assert_array_equal(loaded.cues[name], values)
    for name, values in made.model.point_map.cue_noise.items():
        np.testing.assert_array_equal(loaded.cue_noise[name], values)


@pytest.mark.parametrize("noise", [[1.0, 2.0], [-1.0, 1.0, 1.0], [np.inf, 1.0, 1.0]])
def test_a_noise_that_cannot_be_is_refused(
    bundle: MapBundle, tmp_path: Path, noise: list[float]
) -> None:
    path = tmp_path / "b.safetensors"
    with_cues(bundle).save(path)
    tensors, header = load_weights(path, ARCHITECTURE)
    tensors["cue_noise.rgb"] = torch.tensor(noise)
    with pytest.raises(WeightsError):
        save_weights(path, tensors, header)
        MapBundle.load(path)


def test_cues_of_other_points_are_refused(bundle: MapBundle, tmp_path: Path) -> None:
    path = tmp_path / "b.safetensors"
    with_cues(bundle).save(path)
    tensors, header = load_weights(path, ARCHITECTURE)
    tensors["cue.label"] = tensors["cue.label"][:-1]
    save_weights(path, tensors, header)
    with pytest.raises(WeightsError, match=r"cue\.label"):
        MapBundle.load(path)
