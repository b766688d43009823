"""Points out of rays: where most of a track's rays meet, then least squares over all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from bpnp_ros.mapping.sightings import Array, Integers, Sightings, unit

PAIRS = 60  # of rays that are tried
AGREE = 3.0  # pixels within which a ray agrees with a point
LEAST_PARALLAX = 0.01  # radians
ROUNDS = 8
TUKEY = 4.7  # standard deviations beyond which a ray has no say


@dataclass(frozen=True, eq=False)
class Placed:
    """points: (N, 3). covariance: (N, 3, 3) square metres. error: (K,) radians between each light
    and its point, NaN where it has none. sigma: radians, standard deviation of one coordinate."""

    points: Array
    covariance: Array
    error: Array
    sigma: float

    @property
    def deviation(self) -> Array:
        """Standard deviation in the worst direction, metres (N,)."""
        return np.asarray(np.sqrt(np.linalg.eigvalsh(self.covariance)[:, -1]))


def meeting_point(positions: Array, rays: Array, pixel: float, rng: Generator) -> Array | None:
    """Where most of the rays (n, 3) from positions (n, 3) meet (3,); None where that is fewer than
    half of them, behind them, or too far away to tell."""
    a, b = rng.integers(len(rays), size=(2, PAIRS))
    sine_squared = 1 - (rays[a] * rays[b]).sum(axis=1) ** 2
    good = sine_squared > LEAST_PARALLAX**2
    a, b, sine_squared = a[good], b[good], sine_squared[good]
    if not len(a):
        return None
    base, cosine = positions[b] - positions[a], (rays[a] * rays[b]).sum(axis=1)
    on_a, on_b = (base * rays[a]).sum(axis=1), (base * rays[b]).sum(axis=1)
    t_a, t_b = (on_a - cosine * on_b) / sine_squared, (cosine * on_a - on_b) / sine_squared
    ends = (positions[a] + t_a[:, None] * rays[a], positions[b] + t_b[:, None] * rays[b])
    middle = 0.5 * (ends[0] + ends[1])
    towards = unit(middle[:, None] - positions)
    agree = ((towards - rays) ** 2).sum(axis=2) < (AGREE * pixel) ** 2
    votes = np.where((t_a > 0) & (t_b > 0), agree.sum(axis=1), 0)
    best = int(votes.argmax())
    return middle[best] if votes[best] >= max(3, 0.5 * len(rays)) else None


def least_squares(sightings: Sightings, owner: Integers, points: Array) -> Placed:
    """Points (N, 3) moved to where the lights that are theirs see them best, outliers aside.

    owner: (K,) the point of each light, -1 for none.
    """
    rows = np.flatnonzero(owner >= 0)
    point, ray = owner[rows], sightings.ray[rows]
    position = sightings.positions[sightings.frame[rows]]
    across = np.eye(3) - ray[:, :, None] * ray[:, None, :]
    sigma = AGREE * sightings.pixel
    for _ in range(ROUNDS):
        depth = np.linalg.norm(points[point] - position, axis=1).clip(1e-6)
        residual = np.einsum("kab,kb->ka", across, (points[point] - position) / depth[:, None])
        size = np.linalg.norm(residual, axis=1)
        if len(size):
            sigma = max(float(np.median(size)) / 1.1774, 1e-6)  # of a Rayleigh distribution
        weight = np.square(1 - (size / (TUKEY * sigma)).clip(max=1) ** 2)
        information, pull = np.zeros((len(points), 3, 3)), np.zeros((len(points), 3))
        np.add.at(information, point, (weight / depth**2)[:, None, None] * across)
        np.add.at(pull, point, (weight / depth)[:, None] * residual)
        information += (
            1e-9 * np.eye(3) * (1 + np.trace(information, axis1=1, axis2=2)[:, None, None])
        )
        points = points - np.linalg.solve(information, pull[..., None])[..., 0]
    error = np.full(len(owner), np.nan)
    error[rows] = size
    covariance = np.asarray(sigma**2 * np.linalg.inv(information), np.float64)
    return Placed(points, covariance, error, sigma)
