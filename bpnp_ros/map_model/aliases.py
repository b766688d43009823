"""Where a map aliases itself: rigid motions that carry a part of it onto another part.

Identical rooms look alike to a camera that knows positions alone. A search may find one of them and
miss the other; the map knows both. Constellations of five neighbouring points that are equally far
apart propose motions; a motion stays when it carries most of a neighbourhood onto the map.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import rotation_angle
from bpnp_ros.geometry.transform import invert, make_transform, transform_points

MOST_APEXES = 16_384
NEIGHBOURS = 7  # of an apex; every four of them make a constellation with it
# lengths are in depths of what a camera sees in the map
SHORTEST_EDGE = 0.065  # between an apex and its neighbours
EDGE_CELL, LONGEST_EDGE = 0.021, 63  # and in cells; edges in the same cell are taken for equal
PARTNERS = 4  # equal constellations that each is compared with
LEAST_SHIFT, LEAST_TURN = 0.13, 0.35  # and radians; a smaller motion leads to no other place
PLACE = 0.52  # one motion is kept from a place to a place
MOST_MOTIONS = 3000
NEIGHBOURHOOD = 0.79  # around an apex that must reappear
# points asked, how far they may miss, and the share that must not: from coarse to fine
CHECKS = ((12, 0.039, 0.5), (48, 0.026, 0.5), (48, 0.013, 0.6))
_CHUNK = 1 << 22


@dataclass(frozen=True, eq=False)
class Aliases:
    """The map around centre (T, 3) appears again at motion (T, 4, 4) times it; metres."""

    motion: Tensor
    centre: Tensor

    def __len__(self) -> int:
        return len(self.motion)

    def scaled(self, scale: float) -> Aliases:
        motion = self.motion.clone()
        motion[:, :3, 3] *= scale
        return Aliases(motion, self.centre * scale)

    def of(self, T_map_camera: Tensor, most: int) -> Tensor:
        """Poses (K, 4, 4), K <= most, that may see what a pose (4, 4) sees."""
        distance = (self.centre - T_map_camera[:3, 3]).norm(dim=1)
        nearest = distance.topk(min(most, len(self)), largest=False).indices
        return self.motion[nearest] @ T_map_camera


def find_aliases(points: Tensor, depth: float, seed: int = 0) -> Aliases:
    """The aliases of a map (N, 3), metres. There are none in most maps.

    depth: how far away the points are that a camera sees, metres.
    """
    if len(points) <= NEIGHBOURS:
        return Aliases(points.new_zeros(0, 4, 4), points.new_zeros(0, 3))
    return _find(points / depth, seed).scaled(depth)


def _find(points: Tensor, seed: int) -> Aliases:
    """In a map whose unit is its depth."""
    generator = torch.Generator().manual_seed(seed)
    corners = _constellations(points, generator)
    first, second = _equal_pairs(points[corners])
    start, end = points[corners[first]], points[corners[second]]
    motion = aligned(start, end, torch.ones_like(start[..., 0]))
    found = Aliases(motion, start[:, 0])
    found = _select(found, _leads_elsewhere(found) & _is_exact(motion, start, end))
    found = _select(found, _one_per_places(found, generator))
    for check in CHECKS:
        found = _confirmed(found, points, check, generator)
    return _both_ways(found)


def _select(aliases: Aliases, kept: Tensor) -> Aliases:
    return Aliases(aliases.motion[kept], aliases.centre[kept])


def _both_ways(aliases: Aliases) -> Aliases:
    back = Aliases(invert(aliases.motion), _carried(aliases, aliases.centre[:, None])[:, 0])
    return _joined([aliases, back])


def _joined(parts: list[Aliases]) -> Aliases:
    return Aliases(
        torch.cat([part.motion for part in parts]), torch.cat([part.centre for part in parts])
    )


def _constellations(points: Tensor, generator: torch.Generator) -> Tensor:
    """Rows (C, 5) of an apex and four of its neighbours, the nearest first."""
    apexes = torch.randperm(len(points), generator=generator)[:MOST_APEXES].to(points.device)
    near = [_neighbours(points, rows) for rows in apexes.split(max(_CHUNK // len(points), 1))]
    neighbours = torch.cat(near)
    fours = torch.tensor(list(combinations(range(neighbours.shape[1]), 4)), dtype=torch.long)
    corners = neighbours[:, fours.to(points.device)]
    apex = apexes[:, None, None].expand(-1, corners.shape[1], 1)
    return torch.cat([apex, corners], dim=2).flatten(0, 1)


def _neighbours(points: Tensor, apexes: Tensor) -> Tensor:
    distance = torch.cdist(points[apexes], points)
    distance = distance.masked_fill(distance < SHORTEST_EDGE, torch.inf)
    return distance.topk(min(NEIGHBOURS, len(points)), largest=False).indices


def _equal_pairs(constellations: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of constellations (C, 5, 3) whose ten edges are of equal lengths."""
    pairs = torch.tensor(list(combinations(range(5), 2)), device=constellations.device)
    edges = (constellations[:, pairs[:, 0]] - constellations[:, pairs[:, 1]]).norm(dim=2)
    cells = (edges / EDGE_CELL).long().clamp_max(LONGEST_EDGE)
    digit = torch.arange(len(pairs), device=cells.device)
    key, order = (cells * (LONGEST_EDGE + 1) ** digit).sum(dim=1).sort()
    first, second = [], []
    for step in range(1, PARTNERS + 1):
        row = (key[step:] == key[:-step]).nonzero()[:, 0]
        first.append(order[row])
        second.append(order[row + step])
    return torch.cat(first), torch.cat(second)


def aligned(start: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    """Motions (T, 4, 4) that carry points (T, K, 3) closest to others, weights (T, K): Kabsch."""
    weight = weight / weight.sum(dim=1, keepdim=True).clamp_min(1e-6)
    start_mean, end_mean = ((weight[..., None] * x).sum(dim=1) for x in (start, end))
    spread = (start - start_mean[:, None]) * weight[..., None]
    U, _, Vh = torch.linalg.svd((end - end_mean[:, None]).transpose(1, 2) @ spread)
    flip = torch.ones_like(start_mean)
    flip[:, 2] = torch.linalg.det(U @ Vh)
    R = U @ (flip[:, :, None] * Vh)
    return make_transform(R, end_mean - (R @ start_mean[..., None])[..., 0])


def _is_exact(motion: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Whether the corners meet: those of a mirror image have equal edges, but do not."""
    return (transform_points(motion, start) - end).norm(dim=2).amax(dim=1) < EDGE_CELL


def _leads_elsewhere(aliases: Aliases) -> Tensor:
    shift = (_carried(aliases, aliases.centre[:, None])[:, 0] - aliases.centre).norm(dim=1)
    R = aliases.motion[:, :3, :3]
    turn = rotation_angle(torch.eye(3).to(R).expand_as(R), R)
    return (shift > LEAST_SHIFT) | (turn > LEAST_TURN)


def _carried(aliases: Aliases, points: Tensor) -> Tensor:
    return transform_points(aliases.motion, points)


def _one_per_places(aliases: Aliases, generator: torch.Generator) -> Tensor:
    """Rows (K,) of motions, none of which leads from the same place to the same one."""
    end = _carried(aliases, aliases.centre[:, None])[:, 0]
    forward = aliases.motion[:, :3, 0]
    places = torch.cat([aliases.centre / PLACE, end / PLACE, 2 * forward], dim=1).round().long()
    _, place = places.unique(dim=0, return_inverse=True)
    chosen = torch.zeros(len(places), dtype=torch.long, device=place.device)
    chosen[place] = torch.arange(len(place), device=place.device)
    count = int(place.max()) + 1 if len(place) else 0
    return chosen[torch.randperm(count, generator=generator)[:MOST_MOTIONS].to(place.device)]


def _confirmed(
    aliases: Aliases, points: Tensor, check: tuple[int, float, float], generator: torch.Generator
) -> Aliases:
    """The aliases whose neighbourhood, `count` points of it, is carried onto the map; aligned."""
    count, tolerance, share = check
    parts = [Aliases(aliases.motion[:0], aliases.centre[:0])]
    for rows in torch.arange(len(aliases)).split(max(_CHUNK // (count * len(points)), 1)):
        part = _select(aliases, rows.to(points.device))
        start = _neighbourhood(points, part.centre, count, generator)
        distance, nearest = torch.cdist(_carried(part, start).flatten(0, 1), points).min(dim=1)
        meets = (distance < tolerance).to(points).view(-1, start.shape[1])
        motion = aligned(start, points[nearest].view_as(start), meets)
        parts.append(_select(Aliases(motion, part.centre), meets.mean(dim=1) >= share))
    return _joined(parts)


def _neighbourhood(
    points: Tensor, centre: Tensor, count: int, generator: torch.Generator
) -> Tensor:
    """Random points (T, count, 3) within NEIGHBOURHOOD of centres (T, 3), else the nearest."""
    distance = torch.cdist(centre, points)
    order = torch.rand(distance.shape, generator=generator).to(points)
    order = torch.where(distance <= NEIGHBOURHOOD, order, 1 + distance)
    return points[order.topk(min(count, len(points)), largest=False).indices]
