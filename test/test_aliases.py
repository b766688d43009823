"""Where a map looks like another part of itself."""

from __future__ import annotations

import torch
from rooms import rooms
from torch import Tensor

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.geometry.transform import invert, make_transform, transform_points
from bpnp_ros.map_model.aliases import Aliases, find_aliases

TURN = so3_exp(torch.tensor([0.0, 0.0, 1.2]))
MOTION = make_transform(TURN, torch.tensor([40.0, 5.0, 0.3]))
GENERATOR = torch.Generator().manual_seed(0)


def twin(noise: float = 0.0, kept: float = 1.0) -> Tensor:
    """The rooms and their copy at MOTION, each with errors (metres) and points missing."""
    here = rooms().points
    parts = []
    for points in (here, transform_points(MOTION, here)):
        points = points + noise * torch.randn(points.shape, generator=GENERATOR)
        parts.append(points[torch.rand(len(points), generator=GENERATOR) < kept])
    return torch.cat(parts)


DEPTH = 3.8  # metres, as in the rooms


def aliases_of(points: Tensor) -> Aliases:
    return find_aliases(points, DEPTH)


def misses(aliases: Aliases, motion: Tensor) -> Tensor:
    """How far from where a motion carries them the aliases' centres land, metres."""
    carried = transform_points(aliases.motion, aliases.centre[:, None])[:, 0]
    return (carried - transform_points(motion, aliases.centre)).norm(dim=1)


def test_furnished_rooms_have_no_aliases() -> None:
    assert len(aliases_of(rooms().points)) == 0


def test_a_copy_of_the_rooms_is_found_from_both_sides() -> None:
    aliases = aliases_of(twin())
    there, back = misses(aliases, MOTION) < 0.05, misses(aliases, invert(MOTION)) < 0.05
    assert there.sum() >= 10
    assert back.sum() == there.sum()
    assert (there | back).all()


def test_a_copy_with_errors_of_a_centimetre_and_points_missing_is_found() -> None:
    aliases = aliases_of(twin(noise=0.01, kept=0.8))
    assert (misses(aliases, MOTION) < 0.05).sum() >= 5


def test_a_mirror_image_is_not_an_alias() -> None:
    here = torch.rand(300, 3, generator=GENERATOR) * torch.tensor([6.0, 4.0, 2.5])
    mirrored = here * torch.tensor([-1.0, 1.0, 1.0]) + torch.tensor([40.0, 0.0, 0.0])
    assert len(aliases_of(torch.cat([here, mirrored]))) == 0
    assert len(aliases_of(torch.cat([here, here + 40]))) > 0


def test_a_room_that_looks_the_same_turned_by_half_is_its_own_alias() -> None:
    half = so3_exp(torch.tensor([0.0, 0.0, torch.pi]))
    points = torch.rand(150, 3, generator=GENERATOR) * torch.tensor([6.0, 4.0, 2.5])
    points = points - torch.tensor([3.0, 2.0, 0.0])
    aliases = aliases_of(torch.cat([points, points @ half.T]))
    assert len(aliases) > 0
    assert misses(aliases, make_transform(half, torch.zeros(3))).max() < 0.05


def test_a_twin_pose_sees_the_copy_as_the_pose_sees_the_original() -> None:
    pose = make_transform(torch.eye(3), torch.tensor([1.0, 2.0, 0.0]))
    twins = aliases_of(twin()).of(pose, 16)
    apart = (twins - MOTION @ pose).flatten(1).norm(dim=1)
    assert len(twins) == 16
    assert apart.min() < 0.02


def test_a_handful_of_points_has_no_repeats() -> None:
    for count in (1, 5, 8):
        assert len(aliases_of(torch.zeros(count, 3))) == 0


def test_the_size_of_a_map_does_not_matter() -> None:
    desk_motion = MOTION.clone()
    desk_motion[:3, 3] *= 0.1
    desk = find_aliases(0.1 * twin(), 0.1 * DEPTH)
    assert (misses(desk, desk_motion) < 0.002).sum() >= 5
    cloud = 0.6 * torch.rand(800, 3, generator=torch.Generator().manual_seed(5))
    assert len(find_aliases(cloud, 0.3)) == 0
