"""Bundles, weights, checkpoints and pickled data sets with damage."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import paper_sets
import torch
from fuzz.damage import ODD_REALS, damage_one_of, damaged, odd_array, one_of
from fuzz.kind import Kind

from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.network.bpnpnet import BPnPNet
from bpnp_ros.network.bpnpnet_map import BPnPNetMap, NetworkSize
from bpnp_ros.network.places import Places
from bpnp_ros.point_map.point_map import PointMap
from bpnp_ros.weights.bpnpnet_file import load_bpnpnet
from bpnp_ros.weights.bundle import ARCHITECTURE, MapBundle
from bpnp_ros.weights.safetensors_file import WeightsHeader, load_weights, save_weights
from training.datasets.reference_layout import open_reference_set
from training.paper.checkpoints import load_start

POINTS = 60
_ODD_SETTINGS: tuple[Any, ...] = (*ODD_REALS, None, "text", [], {}, True, -1, 10**12)


@cache
def _scratch() -> tempfile.TemporaryDirectory:
    """Whole files are written once a process."""
    return tempfile.TemporaryDirectory(prefix="fuzz_weights_")


@cache
def _whole_bundle() -> Path:
    torch.manual_seed(0)
    points = PointMap.recentred(np.random.default_rng(0).uniform(-5, 5, (POINTS, 3)))
    seen, reach = torch.arange(POINTS).repeat(3, 1), torch.full((3,), 0.3)
    space = ViewSpace(torch.randn(3, 3), seen, torch.rand(3, POINTS), reach, 0.1)
    model = MapModel(points, space)
    size = NetworkSize(harmonics=4, bands=3, yaws=12, features=5)
    network = BPnPNetMap(model.points, Places(space), size)
    path = Path(_scratch().name, "bundle.safetensors")
    MapBundle(model, network, {"command": "a test"}).save(path)
    return path


@cache
def _whole_weights() -> list[Path]:
    """The same network as its three kinds of files."""
    folder, state = Path(_scratch().name), BPnPNet().state_dict()
    save_weights(folder / "weights.safetensors", state, WeightsHeader("bpnpnet"))
    content = {"epoch": 3, "state_dict": state, "best_error": 0.1, "optimizer": {"state": {}}}
    torch.save(content, folder / "model.pth.tar")
    ours = {"epoch": 3, "state_dict": {f"network.{name}": w for name, w in state.items()}}
    torch.save(ours, folder / "last.ckpt")
    return [folder / name for name in ("weights.safetensors", "model.pth.tar", "last.ckpt")]


def _bundle(rng: np.random.Generator, folder: Path) -> Path:
    path = folder / "bundle.safetensors"
    if rng.random() < 0.4:
        path.write_bytes(damaged(_whole_bundle().read_bytes(), rng))
        return path
    tensors, header = load_weights(_whole_bundle(), ARCHITECTURE)
    for _ in range(rng.integers(1, 3)):
        if rng.random() < 0.7:
            _change_tensor(tensors, rng)
        else:
            _change_setting(header.map, rng)
    save_weights(path, tensors, header)
    return path


def _change_tensor(tensors: dict[str, torch.Tensor], rng: np.random.Generator) -> None:
    name = one_of(rng, sorted(tensors))
    if rng.random() < 0.1:
        del tensors[name]
        return
    as_float = tensors[name].float().numpy()
    with np.errstate(all="ignore"):
        changed = odd_array(as_float, rng)
    if changed.dtype.kind in "biuf" and changed.dtype != np.uint64:
        tensors[name] = torch.from_numpy(np.ascontiguousarray(changed)).to(
            one_of(rng, (tensors[name].dtype, torch.float32, torch.int64))
        )


def _change_setting(about: dict[str, Any], rng: np.random.Generator) -> None:
    inner = about["network"] if isinstance(about.get("network"), dict) else about
    settings = inner if rng.random() < 0.5 else about
    settings[one_of(rng, sorted(settings))] = one_of(rng, _ODD_SETTINGS)


def _take_bundle(path: Path) -> None:
    bundle = MapBundle.load(path)
    points, space = bundle.model.point_map.points, bundle.model.places
    assert points.ndim == 2 and np.isfinite(points).all(), "points that are not finite"
    assert space.seen.max() < len(points) and space.seen.min() >= 0, "sees points beyond the last"
    bundle.recognises(np.zeros((5, 3)))


def _weights(rng: np.random.Generator, folder: Path) -> Path:
    whole = one_of(rng, _whole_weights())
    path = folder / whole.name
    if rng.random() < 0.5 or path.suffix == ".safetensors":
        path.write_bytes(damaged(whole.read_bytes(), rng))
        return path
    content = torch.load(whole, weights_only=True)
    part = content if rng.random() < 0.5 else content["state_dict"]
    name = one_of(rng, sorted(part))
    part[name] = one_of(rng, (*_ODD_SETTINGS, torch.tensor(np.nan), torch.zeros(3)))
    torch.save(content, path)
    return path


def _take_weights(path: Path) -> None:
    start = load_start(path)
    assert start.epoch >= 0
    if path.suffix != ".ckpt":
        assert all(w.isfinite().all() for w in load_bpnpnet(path).state_dict().values()), "NaN"


@cache
def _whole_set(raw: bool) -> Path:
    folder = Path(_scratch().name, "raw" if raw else "set")
    if raw:
        paper_sets.write_raw(folder / "modelnet40_test", paper_sets.samples(2))
    else:
        paper_sets.write_set(folder, train=1)
    return folder


def _pickles(rng: np.random.Generator, folder: Path) -> Path:
    target = folder / "set"
    shutil.copytree(_whole_set(bool(rng.integers(2))), target)
    damage_one_of(next(target.glob("*_test")), rng)
    return target


def _take_pickles(folder: Path) -> None:
    views = open_reference_set(folder, "modelnet40", "test")
    for index in range(len(views)):
        sample = views.draw(index, np.random.default_rng(0))
        assert np.isfinite(sample.p2d).all() and np.isfinite(sample.p3d).all(), "points of NaN"
        assert sample.partner.max(initial=-1) < len(sample.p2d), "partners beyond the last"


KINDS = {
    "bundle": Kind(_bundle, _take_bundle),
    "weights": Kind(_weights, _take_weights),
    "pickled set": Kind(_pickles, _take_pickles),
}
