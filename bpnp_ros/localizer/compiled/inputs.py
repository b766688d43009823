"""Map, frame and poses as the compiled loops take them."""

from __future__ import annotations

import logging
import math
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bpnp_ros.geometry.cells import SIDE, Cells
from bpnp_ros.localizer.compiled.given import (
    Grid,
    Held,
    Image,
    Limits,
    Lookup,
    Noise,
    Space,
)
from bpnp_ros.localizer.compiled.image import image_of
from bpnp_ros.localizer.descent.gauss_newton import (
    DAMPING,
    FIXED,
    LONGEST_STEP,
    STEPS_A_LOOK,
    Beforehand,
)
from bpnp_ros.localizer.frame import Frame
from bpnp_ros.localizer.measurement import CLUTTER_SHARES, NEAREST
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.open_space import OpenSpace

Array = NDArray[np.float64]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], Array]

_log = logging.getLogger(__name__)


def serves(model: MapModel) -> bool:
    """Whether the compiled loops can be used: on a processor."""
    return model.view_space.device.type == "cpu" and is_installed()


@cache
def is_installed() -> bool:
    """Whether Numba is there; where it is not, everything takes some ten times as long."""
    try:
        from bpnp_ros.localizer.compiled import descent  # noqa: F401
    except ImportError as error:
        _log.warning(
            f"localising will be slow, as Numba cannot be loaded ({error}): pip install numba."
        )
        return False
    return True


def compiled_evidence(
    model: MapModel, T_map_camera: Tensor, frame: Frame, sigma: float, most_points: int
) -> Tensor:
    """As `poses.evidence`."""
    from bpnp_ros.localizer.compiled.descent import evidence

    poses, image = T_map_camera.double().numpy(), _image_in(model, frame)
    nats = evidence(_space(model), image, poses, sigma, most_points, _SHARES)
    return torch.from_numpy(nats).to(T_map_camera)


def compiled_glance(
    model: MapModel, T_map_camera: Tensor, frame: Frame, close: NDArray[np.int64], level: float
) -> Tensor:
    """As `proposers.glance`, of an open map."""
    from bpnp_ros.localizer.compiled.glance import glance

    poses, image = T_map_camera.double().numpy(), _image_in(model, frame)
    return torch.from_numpy(glance(_space(model), image, close, poses, level))


def compiled_refine(
    model: MapModel, T_map_camera: Tensor, frame: Frame, sigmas: list[float], most_points: int
) -> Tensor:
    """As `poses.refine`."""
    from bpnp_ros.localizer.compiled.descent import Steps, descend

    poses = T_map_camera.to(torch.float64, copy=True, memory_format=torch.contiguous_format)
    steps = Steps(np.array(sigmas), STEPS_A_LOOK, most_points)
    descend(_space(model), _held(model), _image_in(model, frame), poses.numpy(), steps)
    return poses.to(T_map_camera)


def compiled_settle(
    model: MapModel, T_map_camera: Tensor, frame: Frame, noise: Noise
) -> tuple[Tensor, float, float]:
    """A pose (1, 4, 4) moved as `descent.settle` does, the frame's sigma and its clutter."""
    from bpnp_ros.localizer.compiled.descent import settle

    pose, image = T_map_camera[0].double().clone(), _image_in(model, frame)
    sigma, clutter = settle(_space(model), _held(model), image, pose.numpy(), noise, frame.clutter)
    return pose.to(T_map_camera)[None], sigma, clutter


def compiled_sight(
    model: MapModel, T_map_camera: Tensor, frame: Frame, limits: Limits
) -> tuple[Array, Array, float, Pairs, Array]:
    """The fields of a `Sight` from a pose (4, 4)."""
    from bpnp_ros.localizer.compiled.sight import sight

    pose, image = T_map_camera.double().numpy(), _image_in(model, frame)
    shown: tuple[Array, Array, float, Pairs, Array] = sight(
        _space(model), image, pose, frame.sigma, _SHARES, limits
    )
    return shown


def compiled_lens_fit(
    model: MapModel,
    T_map_camera: Tensor,
    frame: Frame,
    lens: Array,
    believed: Array,
    sigmas: Array,
    noise: Noise,
    most_points: int,
) -> tuple[Array, Array, Array, float]:
    """As `lens.fit_lens`, of a pose (4, 4) and lens (2,): information (8, 8), lens, pose, nats."""
    from bpnp_ros.localizer.compiled.lens import fit_lens

    pose, image, found = T_map_camera.double().clone().numpy(), _image_in(model, frame), lens.copy()
    known = believed, sigmas, noise, frame.clutter, most_points
    H, nats = fit_lens(_space(model), image, pose, found, *known, _SHARES)
    return H, found, pose, nats


def compiled_field(model: MapModel, T_map_camera: Tensor, grid: Grid) -> Tensor:
    """As `FrameField.nats`, of poses (V, 4, 4)."""
    from bpnp_ros.localizer.compiled.field import field_nats

    nats = field_nats(_space(model), grid, _contiguous(T_map_camera.double()))
    return torch.from_numpy(nats).to(T_map_camera)


def unlike_rows(vectors: Tensor, most: int) -> Tensor:
    """Rows of the first `most` of vectors (V, D) that lie further than 1 from all rows before."""
    from bpnp_ros.localizer.descent.distinct_compiled import unlike

    return torch.from_numpy(unlike(_contiguous(vectors.float()), most))


def products_with_halves(rows: Tensor, vector: Tensor) -> Tensor:
    """(V,) float32 of float16 rows (V, C) with a vector (C,), on a processor."""
    from bpnp_ros.localizer.compiled.halves import products

    bits = rows.contiguous().view(torch.int16).numpy().view(np.uint16)
    return torch.from_numpy(products(bits, _contiguous(vector.float())))


def distinct_rows(T_map_camera: Tensor, distance: float, angle: float, most: int) -> Tensor:
    """As `descent.distinct`, on a processor."""
    from bpnp_ros.localizer.descent.distinct_compiled import distinct

    poses = T_map_camera.double().numpy()
    return torch.from_numpy(distinct(poses, distance, math.cos(angle), most))


_SHARES = np.array(CLUTTER_SHARES)
_spaces: WeakKeyDictionary[MapModel, Space] = WeakKeyDictionary()
_helds: WeakKeyDictionary[MapModel, Held] = WeakKeyDictionary()


def _space(model: MapModel) -> Space:
    space = _spaces.get(model)
    if space is None:
        space = _spaces[model] = _space_of(model)
    return space


def _space_of(model: MapModel) -> Space:
    space, points = model.view_space, model.points.numpy()
    nowhere, anywhere = np.zeros((3, 0), np.float32), np.zeros((3, 1), np.float32)
    if isinstance(space, OpenSpace):
        everything = torch.arange(len(points))[None]
        tables = _likeliest_first(everything, space.chance[None])
        everywhere = _lookup(Cells.of(torch.zeros(1, 3))), np.zeros(1, np.int64)
        return Space(points, anywhere, nowhere, np.ones(3), 1.0, *tables, space.range, *everywhere)
    axes = nowhere if space.orientations is None else space.orientations[:, :, 2].T.numpy()
    return Space(
        points,
        _contiguous((space.anchors / space.reach).T),
        np.ascontiguousarray(axes),
        space.reach.double().numpy(),
        float(space.tilt),
        *_likeliest_first(space.seen, space.chance),
        math.inf,
        _lookup(space.cells),
        np.arange(len(space.anchors)),
    )


def _lookup(cells: Cells) -> Lookup:
    return Lookup(SIDE, *map(_contiguous, (cells.low, cells.shape, cells.key, cells.row)))


def _likeliest_first(seen: Tensor, chance: Tensor) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Points (A, K) and their chances, sorted; not copied where they are already."""
    if (chance[:, 1:] > chance[:, :-1]).any():
        order = chance.argsort(dim=1, descending=True, stable=True)
        seen, chance = seen.gather(1, order), chance.gather(1, order)
    return _contiguous(seen), _contiguous(chance)


def _held(model: MapModel) -> Held:
    held = _helds.get(model)
    if held is None:
        held = _helds[model] = _held_of(model)
    return held


def _held_of(model: MapModel) -> Held:
    motion, known = model.view_space.held, Beforehand.of(model)
    up, held = (np.array(v, np.float64) for v in (motion.up, motion.up_in_camera))
    longest = LONGEST_STEP[0] * model.depth, LONGEST_STEP[1]
    beforehand = known.upright, known.level, known.height
    return Held(model.turns_only, up, held, *beforehand, longest, DAMPING, FIXED)


def _image_in(model: MapModel, frame: Frame) -> Image:
    return image_of(frame, NEAREST * model.depth)


def _contiguous(tensor: Tensor) -> NDArray[Any]:
    return tensor.contiguous().numpy()
