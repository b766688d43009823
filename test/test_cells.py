"""The place that stands for a pose: the nearest one, found among those in the cells about it."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from bpnp_ros.geometry.cells import FEW
from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import make_transform
from bpnp_ros.localizer.compiled.inputs import _space, is_installed
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.map_model.view_space import ViewSpace
from bpnp_ros.point_map.point_map import PointMap

REACH = torch.tensor([0.5, 0.5, 0.3])
FEWER, MORE, MOST = FEW // 4, 3 * FEW, 50_000


def a_space(places: int, turned: bool = False) -> ViewSpace:
    """About one place a square metre, two storeys of them, with a hole in the middle."""
    rng = torch.Generator().manual_seed(places)
    wide = (places / 2) ** 0.5
    position = torch.rand(places, 3, generator=rng) * torch.tensor([wide, wide, 1.0])
    position[:, 2] += 4 * (torch.arange(places) % 2)
    in_hole = (position[:, :2] - wide / 2).norm(dim=1) < wide / 5
    position[in_hole, 0] += wide
    R = so3_exp(torch.randn(places, 3, generator=rng)) if turned else None
    nothing = torch.zeros(places, 1)
    return ViewSpace(position, nothing.long(), nothing + 1, REACH, 0.3, R)


def poses_about(space: ViewSpace, count: int = 300) -> Tensor:
    """At places, between them, in the hole, beside the map and far away from it."""
    rng = torch.Generator().manual_seed(1)
    low, high = space.anchors.amin(dim=0), space.anchors.amax(dim=0)
    anywhere = low + (high - low) * (3 * torch.rand(count, 3, generator=rng) - 1)
    near, _ = space.sample(count, rng)
    far = torch.tensor([[1e6, -1e6, 1e6], [-1e4, 0, 0]])
    R = so3_exp(torch.randn(count, 3, generator=rng))
    return torch.cat([near, make_transform(R, anywhere), make_transform(R[:2], far)])


def scanned(space: ViewSpace, poses: Tensor) -> tuple[Tensor, Tensor]:
    """By comparing all, in double precision."""
    apart = (poses[:, None, :3, 3].double() - space.anchors.double()) / space.reach.double()
    distance = apart.square().sum(dim=2)
    if space.orientations is not None:
        axes = space.orientations[:, :, 2].double()
        distance += (2 - 2 * poses[:, :3, 2].double() @ axes.T) / space.tilt**2
    return distance.argmin(dim=1), distance.amin(dim=1)


@pytest.mark.parametrize("places", [FEWER, MORE])
@pytest.mark.parametrize("turned", [False, True])
def test_the_nearest_place_is_found_wherever_the_pose_is(places: int, turned: bool) -> None:
    space = a_space(places, turned)
    poses = poses_about(space)
    anchor, distance = space._nearest(poses)
    expected, least = scanned(space, poses)
    near = least < 1e6  # where single precision tells places apart
    assert torch.equal(anchor[near], expected[near])
    torch.testing.assert_close(distance[near].double(), least[near], rtol=1e-3, atol=1e-3)


@pytest.mark.skipif(not is_installed(), reason="Numba is not installed")
@pytest.mark.parametrize("turned", [False, True])
def test_compiled_loops_find_the_same_place(turned: bool) -> None:
    from bpnp_ros.localizer.compiled.view import nearest_place

    space = a_space(MORE, turned)
    model = MapModel(
        PointMap(np.zeros((3, 3), np.float32), np.zeros(3), np.ones(3, np.float32)), space
    )
    given, poses = _space(model), poses_about(space)
    expected, least = scanned(space, poses)
    for T, place, distance in zip(poses.double().numpy(), expected, least, strict=True):
        assert distance > 1e6 or nearest_place(given, T) == place


def cpu_seconds(space: ViewSpace, poses: Tensor) -> float:
    start = time.process_time()
    space.seen_from(poses)
    return time.process_time() - start


def test_a_lookup_among_many_places_takes_hardly_longer_than_among_few() -> None:
    seconds = {}
    for places in (500, MOST):
        space = a_space(places)
        poses, _ = space.sample(500, torch.Generator().manual_seed(0))
        space.seen_from(poses)
        seconds[places] = min(cpu_seconds(space, poses) for _ in range(5))
    assert seconds[MOST] < 5 * seconds[500]


def test_poses_are_put_together_by_what_they_see() -> None:
    space = replace(a_space(MORE), chance=torch.rand(MORE, 1), seen=torch.arange(MORE)[:, None])
    poses, _ = space.sample(400, torch.Generator().manual_seed(2))
    seen, chance = space.seen_from(poses)
    met = torch.zeros(len(poses), dtype=torch.long)
    for rows, points, chances in space.alike(poses):
        assert (seen[rows] == points).all() and (chance[rows] == chances).all()
        met[rows] += 1
    assert (met == 1).all()
