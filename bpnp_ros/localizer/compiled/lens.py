"""The lens of one frame, as `self_checks/lens_fit.py` says in tensors."""

from __future__ import annotations

import numpy as np

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.arithmetic import solve
from bpnp_ros.localizer.compiled.assignment import (
    Spread,
    add_up,
    nats_of,
    own_noise,
    share_out,
    spread_of,
)
from bpnp_ros.localizer.compiled.descent import carry
from bpnp_ros.localizer.compiled.given import Doubles, Image, Noise, Space
from bpnp_ros.localizer.compiled.view import View, image_of, jacobian, look, project, room_for


@compiled
def fit_lens(
    space: Space,
    image: Image,
    T: Doubles,
    lens: Doubles,
    believed: Doubles,
    sigmas: Doubles,
    noise: Noise,
    clutter: float,
    most_points: int,
    shares: Doubles,
) -> tuple[Doubles, float]:
    """As `lens_fit.fit_lens`, in place: a pose (4, 4) and (focal, bend). sigmas: of each step, 0
    for the frame's own. Returns the information (8, 8) on the two, and the log-likelihood ratio."""
    view, sigma = room_for(space, image), noise.sigma
    H, A, g = np.empty((8, 8)), np.empty((8, 8)), np.empty(8)
    count = look(space, image, T, most_points, view)
    for given in sigmas:
        sigma = given if given > 0 else sigma
        spread = spread_of(image, sigma, clutter)
        _add_up(image, T, lens, spread, count, view)
        share_out(image, spread, count, view)
        if given <= 0:
            sigma, clutter = own_noise(noise, len(image.slot), count, view)
        _equations(image, lens, count, view, sigma, H, g)
        for i in range(2):
            g[6 + i] -= believed[6 + i] * lens[i]
        A[:] = H
        for i in range(8):
            A[i, i] += believed[i]
        solve(A, g)
        lens += g[6:]
        carry(T, g)
    count = look(space, image, T, most_points, view)
    _add_up(image, T, lens, spread_of(image, noise.sigma, image.clutter), count, view)
    return H, nats_of(image, view, shares)[0]


@compiled
def _add_up(
    image: Image, T: Doubles, lens: Doubles, spread: Spread, count: int, view: View
) -> None:
    """As `add_up`, of points that are seen through a lens that is not as told."""
    project(image, T, count, view)
    for k in range(count):
        u, v = view.image[0, k], view.image[1, k]
        scale = 1 + lens[0] + lens[1] * (u * u + v * v)
        view.image[0, k], view.image[1, k] = scale * u, scale * v
    add_up(image, spread, count, view)


@compiled
def _equations(
    image: Image, lens: Doubles, count: int, view: View, sigma: float, H: Doubles, g: Doubles
) -> None:
    J = np.empty((2, 8))
    H[:], g[:] = 0, 0
    for k in range(count):
        mass = view.share[0, k] / sigma**2
        if mass == 0:
            continue
        right, down = view.share[1, k] / sigma**2, view.share[2, k] / sigma**2
        _jacobian(image, lens, view, k, J)
        for i in range(8):
            g[i] += J[0, i] * right + J[1, i] * down
            for j in range(8):
                H[i, j] += mass * (J[0, i] * J[0, j] + J[1, i] * J[1, j])


@compiled
def _jacobian(image: Image, lens: Doubles, view: View, k: int, J: Doubles) -> None:
    """(2, 8): how the pose, focal and bend move a point that is seen through the lens."""
    jacobian(image, view, k, J)
    x, y, z = float(view.at[0, k]), float(view.at[1, k]), float(view.at[2, k])
    u, v = image_of(image.fisheye, image.nearest, x, y, z)
    square = u * u + v * v
    scale = 1 + lens[0] + lens[1] * square
    for i in range(6):
        across, down = J[0, i], J[1, i]
        outward = 2 * lens[1] * (u * across + v * down)
        J[0, i], J[1, i] = scale * across + outward * u, scale * down + outward * v
    J[0, 6], J[1, 6], J[0, 7], J[1, 7] = u, v, square * u, square * v
