"""Where a few landmarks stand elsewhere in the same figure: boards of tags, rows of lamps.

`aliases` knows the parts of a map that look alike to a camera that sees much of them. What one
frame shows may be less, eight corners of two tags: a cluster that a rigid motion carries onto other
landmarks leaves it without an answer.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bpnp_ros.geometry.transform import transform_points
from bpnp_ros.map_model.aliases import aligned

MOST_LANDMARKS = 24  # of a cluster; more are no small one
MOST_PAIRS = 4096  # of landmarks as far apart as the cluster is wide
SHARE = 0.7  # of the cluster that must meet other landmarks
LEAST_WIDTH = 0.05  # of the widest triangle, relative to its longest side


def congruent_motions(points: Tensor, rows: Tensor, slack: float, most: int) -> Tensor:
    """Rigid motions (T, 4, 4), at most so many, that carry most of a cluster onto other landmarks.

    points: (N, 3). rows: (K,) of the cluster. slack: metres by which landmarks may miss. The best
    come first; the one that moves nothing is among them. None for a cluster on a line.
    """
    cluster = points[rows]
    corners = _widest_triangle(cluster)
    if len(rows) > MOST_LANDMARKS or corners is None:
        return points.new_zeros(0, 4, 4)
    triangle = cluster[corners]
    others = _like_triangles(points, triangle, slack)
    motion = aligned(triangle.expand(len(others), 3, 3), points[others], points.new_ones(1, 3))
    carried = transform_points(motion, cluster.expand(len(motion), -1, 3))
    apart, nearest = (
        torch.cdist(carried.flatten(0, 1), points).view(len(motion), len(rows), -1).min(2)
    )
    meets = (apart < 2 * slack).to(points)
    share = meets.mean(dim=1)
    best = share.topk(min(most, len(share))).indices
    best = best[share[best] >= SHARE]
    return aligned(cluster.expand(len(best), -1, 3), points[nearest[best]], meets[best])


def _widest_triangle(cluster: Tensor) -> Tensor | None:
    """Rows (3,): the two that are furthest apart and the one furthest from their line."""
    if len(cluster) < 3:
        return None
    apart = torch.cdist(cluster, cluster)
    a, b = divmod(int(apart.argmax()), len(cluster))
    along = (cluster[b] - cluster[a]) / apart[a, b].clamp_min(1e-9)
    aside = torch.linalg.cross((cluster - cluster[a]), along.expand_as(cluster)).norm(dim=1)
    c = int(aside.argmax())
    return torch.tensor([a, b, c]) if aside[c] > LEAST_WIDTH * apart[a, b] else None


def _like_triangles(points: Tensor, triangle: Tensor, slack: float) -> Tensor:
    """Rows (T, 3) of landmarks that are as far from each other as the corners (3, 3) are."""
    apart, (ab, ac, bc) = torch.cdist(points, points), torch.pdist(triangle)
    a, b = ((apart - ab).abs() < slack).nonzero()[:MOST_PAIRS].T
    third = ((apart[a] - ac).abs() < slack) & ((apart[b] - bc).abs() < slack)
    pair, c = third.nonzero().T
    return torch.stack([a[pair], b[pair], c], dim=1)
