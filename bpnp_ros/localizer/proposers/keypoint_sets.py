"""Which keypoints make minimal sets, and which sets are tried first."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from bpnp_ros.localizer.frame import Frame


def some_keypoints(frame: Frame, most: int) -> Frame:
    """The `most` best by score; of equally good ones as many, evenly taken."""
    M = len(frame.xy)
    if most >= M:
        return frame
    if frame.score.amin() < frame.score.amax():
        rows = frame.score.argsort(descending=True, stable=True)[:most]
    else:
        rows = torch.linspace(0, M - 1, most, device=frame.xy.device).round().long()
    return frame.take(rows)


def wide_sets(bearings: Tensor, size: int) -> Tensor:
    """All sets (S, size) of rows in random order, the wider half before the others.

    The very widest are no better than others: stray keypoints are often far out.
    """
    sets = torch.tensor(list(combinations(range(len(bearings)), size)))
    if len(sets) == 0:
        return sets.reshape(0, size)
    corners = bearings[sets]
    width = torch.stack(
        [(corners[:, a] - corners[:, b]).norm(dim=1) for a, b in combinations(range(size), 2)]
    ).amin(dim=0)
    by_width = width.argsort(descending=True).cpu()
    shuffled = torch.randperm(len(sets), generator=torch.Generator().manual_seed(0))
    wider = torch.zeros(len(sets), dtype=torch.bool)
    wider[by_width[: -(-len(sets) // 2)]] = True
    return torch.cat([sets[shuffled[wider[shuffled]]], sets[shuffled[~wider[shuffled]]]])
