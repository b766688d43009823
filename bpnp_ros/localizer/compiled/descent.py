"""The measurement model and its descent, pose by pose: cost goes with keypoints, not with points.

What `measurement.py`, `gauss_newton.py` and `own_noise.py` say in tensors; a test holds the two
together. Pairs are float32, poses and equations float64.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.arithmetic import rotation, solve
from bpnp_ros.localizer.compiled.assignment import add_up, assign, nats_of, own_noise, spread_of
from bpnp_ros.localizer.compiled.given import Doubles, Held, Image, Noise, Space
from bpnp_ros.localizer.compiled.view import View, jacobian, look, project, room_for


class Steps(NamedTuple):
    """sigmas: (S,) of one step each. look: steps until it is looked up anew what is in view.

    most_points: the likeliest in view.
    """

    sigmas: Doubles
    look: int
    most_points: int


@compiled
def evidence(
    space: Space, image: Image, poses: Doubles, sigma: float, most_points: int, shares: Doubles
) -> Doubles:
    """Log-likelihood ratios (P,) of poses (P, 4, 4): the best over the shares (S,) of clutter."""
    view, nats = room_for(space, image), np.zeros(len(poses))
    spread = spread_of(image, sigma, image.clutter)
    for p in range(len(poses)):
        count = look(space, image, poses[p], most_points, view)
        project(image, poses[p], count, view)
        add_up(image, spread, count, view)
        nats[p] = nats_of(image, view, shares)[0]
    return nats


@compiled
def descend(space: Space, held: Held, image: Image, poses: Doubles, steps: Steps) -> None:
    """Move poses (P, 4, 4) by a damped Gauss-Newton step for each sigma."""
    view, H, g = room_for(space, image), np.empty((6, 6)), np.empty(6)
    for p in range(len(poses)):
        T, count = poses[p], 0
        for i in range(len(steps.sigmas)):
            sigma = steps.sigmas[i]
            if i % steps.look == 0:
                count = look(space, image, T, steps.most_points, view)
            assign(image, T, sigma, image.clutter, count, view)
            _normal_equations(image, count, view, sigma, H, g)
            _step(held, T, H, g)


@compiled
def settle(
    space: Space, held: Held, image: Image, T: Doubles, noise: Noise, clutter: float
) -> tuple[float, float]:
    """Move a pose (4, 4) as the frame's own noise says; returns that, and its share of clutter."""
    view, H, g, sigma = room_for(space, image), np.empty((6, 6)), np.empty(6), noise.sigma
    count = look(space, image, T, space.seen.shape[1], view)
    for _ in range(noise.rounds):
        before = sigma
        assign(image, T, sigma, clutter, count, view)
        sigma, clutter = own_noise(noise, len(image.slot), count, view)
        _normal_equations(image, count, view, sigma, H, g)
        _step(held, T, H, g)
        if abs(sigma - before) < noise.settled * before:
            break
    return sigma, clutter


@compiled
def _normal_equations(
    image: Image, count: int, view: View, sigma: float, H: Doubles, g: Doubles
) -> None:
    J = np.empty((2, 6))
    H[:], g[:] = 0, 0
    for k in range(count):
        mass = view.share[0, k] / sigma**2
        if mass == 0:
            continue
        right, down = view.share[1, k] / sigma**2, view.share[2, k] / sigma**2
        jacobian(image, view, k, J)
        for i in range(6):
            g[i] += J[0, i] * right + J[1, i] * down
            for j in range(i + 1):
                H[i, j] += mass * (J[0, i] * J[0, j] + J[1, i] * J[1, j])
    for i in range(6):
        for j in range(i):
            H[j, i] = H[i, j]


@compiled
def _step(held: Held, T: Doubles, H: Doubles, g: Doubles) -> None:
    """One damped step with what is known beforehand, its length bounded; or a turn alone."""
    _know(held, T, H, g)
    for i in range(6):
        H[i, i] += held.damping * H[i, i] + 1 / held.longest[i // 3] ** 2
        if i < 3 and held.turns_only:
            H[i, i] += held.fixed
    solve(H, g)
    squared = 0.0
    for i in range(6):
        if i < 3 and held.turns_only:
            g[i] = 0
        squared += (g[i] / held.longest[i // 3]) ** 2
    for i in range(6):
        g[i] /= max(math.sqrt(squared), 1.0)
    carry(T, g)


@compiled
def _know(held: Held, T: Doubles, H: Doubles, g: Doubles) -> None:
    """Add what is known beforehand of how upright and how high the camera is."""
    error = held.height
    for i in range(3):
        error -= T[i, 3] * held.up[i]
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        up_i, up_j, up_k = _seen(T, held.up, i), _seen(T, held.up, j), _seen(T, held.up, k)
        g[i] += held.level * error * up_i
        g[3 + i] += held.upright * (held.held[j] * up_k - held.held[k] * up_j)
        H[3 + i, 3 + i] += held.upright
        for n, up_n in ((i, up_i), (j, up_j), (k, up_k)):
            H[i, n] += held.level * up_i * up_n
            H[3 + i, 3 + n] -= held.upright * up_i * up_n


@compiled
def _seen(T: Doubles, direction: Doubles, i: int) -> float:
    """Coordinate i of a direction of the map, in the camera."""
    return T[0, i] * direction[0] + T[1, i] * direction[1] + T[2, i] * direction[2]


@compiled
def carry(T: Doubles, step: Doubles) -> None:
    """T <- T Exp(v, w), step (6 or more,)."""
    turn = np.empty((3, 3))
    rotation(step[3], step[4], step[5], turn)
    for i in range(3):
        x, y, z = T[i, 0], T[i, 1], T[i, 2]
        T[i, 3] += x * step[0] + y * step[1] + z * step[2]
        for j in range(3):
            T[i, j] = x * turn[0, j] + y * turn[1, j] + z * turn[2, j]
