"""Derivatives of the rotation matrix with respect to its angle-axis vector, in closed form.

R(r) = I + s K + h K^2 with K = skew(r), s = sin(a) / a, h = (1 - cos a) / a^2 and a = |r|. Scalars
that depend on a alone are differentiated by D = (1 / a) d/da, since d a = r . dr / a.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bpnp_ros.geometry.rotation import skew

_SERIES_TERMS = 10


def first_derivative(r: Tensor) -> Tensor:
    """dR/dr_k of angle-axis vectors (B, 3), as (B, k, 3, 3)."""
    s, Ds, _, h, Dh, _ = _scalars(r)
    K, E, A = _matrices(r)
    return _times(Ds, r, K) + s * E + _times(Dh, r, K @ K) + h * A


def second_derivative(r: Tensor) -> Tensor:
    """d2R/dr_k dr_l of angle-axis vectors (B, 3), as (B, k, l, 3, 3)."""
    _, Ds, DDs, h, Dh, DDh = (scalar[..., None] for scalar in _scalars(r))
    K, E, A = _matrices(r)
    rr = (r[:, :, None] * r[:, None, :])[..., None, None]
    delta = torch.eye(3, dtype=r.dtype, device=r.device)[..., None, None]
    K, K_squared = K[:, None, None], (K @ K)[:, None, None]
    rE = r[:, :, None, None, None] * E
    rA = r[:, :, None, None, None] * A[:, None]
    EE = E[:, None] @ E[None, :]
    return (
        (DDs * rr + Ds * delta) * K
        + (DDh * rr + Dh * delta) * K_squared
        + Ds * (rE + rE.transpose(1, 2))
        + Dh * (rA + rA.transpose(1, 2))
        + h * (EE + EE.transpose(0, 1))
    )


def _times(scalar: Tensor, r: Tensor, matrix: Tensor) -> Tensor:
    return scalar * r[:, :, None, None] * matrix[:, None]


def _matrices(r: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """K (B, 3, 3), dK/dr_k (k, 3, 3) and dK^2/dr_k (B, k, 3, 3)."""
    K = skew(r)
    E = skew(torch.eye(3, dtype=r.dtype, device=r.device))
    return K, E, E @ K[:, None] + K[:, None] @ E


def _scalars(r: Tensor) -> list[Tensor]:
    """s, D s, D D s, h, D h, D D h, each (B, 1, 1, 1); by power series below one radian."""
    x = r.square().sum(1)
    y = x.clamp_min(1)
    a = y.sqrt()
    s, h = a.sin() / a, 2 * (a / 2).sin().square() / y
    Ds, Dh = (a.cos() - s) / y, (s - 2 * h) / y
    DDs, DDh = (-s - 3 * Ds) / y, (Ds - 4 * Dh) / y
    closed = torch.stack([s, Ds, DDs, h, Dh, DDh], dim=1)
    powers = x[:, None] ** torch.arange(_SERIES_TERMS, device=r.device)
    series = powers @ torch.tensor(_COEFFICIENTS, dtype=r.dtype, device=r.device).T
    scalars = torch.where(x[:, None] < 1, series, closed)
    return [scalar[:, None, None, None] for scalar in scalars.unbind(1)]


def _series_coefficients(first_factorial: int, order: int) -> list[float]:
    """Coefficients in x = a^2 of D^order sum_k (-x)^k / (2 k + first_factorial)!"""
    return [
        (-1) ** k * 2**order * math.perm(k, order) / math.factorial(2 * k + first_factorial)
        for k in range(order, order + _SERIES_TERMS)
    ]


_COEFFICIENTS = [_series_coefficients(first, order) for first in (1, 2) for order in (0, 1, 2)]
