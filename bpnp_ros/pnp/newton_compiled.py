"""Newton's method of `newton.py` as machine code, for processors; a test holds the two together.

On a thousand points a step takes the tensors some two hundred small operations. All of it stands in
one file: Numba keeps machine code until the file of the function called changes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends.numba import compiled
from bpnp_ros.pnp.newton import EASIER, FIRST_DAMPING, HARDER, LEAST_GAIN, SUFFICIENT_SHARE

Array = NDArray[np.float64]


@compiled
def minimise(points: Array, bearing: Array, weight: Array, pose: Array, iterations: int) -> Array:
    """As `newton.minimise` of a problem's three arrays: (B, 4, N), (B, 3, N), (B, N)."""
    found = pose.copy()
    for b in range(len(found)):
        total = weight[b].sum()
        if total != 0:
            _descend(points[b], bearing[b], weight[b] / total, found[b], iterations)
    return found


@compiled
def _descend(points: Array, bearing: Array, weight: Array, pose: Array, iterations: int) -> None:
    """Move one pose (3, 4) to where it is best."""
    gradient, H, step, new = np.zeros(6), np.zeros((6, 6)), np.zeros(6), np.zeros((3, 4))
    next_gradient, next_H = np.zeros(6), np.zeros((6, 6))
    value, nearness = _expand(points, bearing, weight, pose, gradient, H)
    if not math.isfinite(value):
        pose[:] = math.nan
        return
    damping = 0.0
    for _ in range(iterations):
        promised = _step(gradient, H, damping, damping * nearness, step)
        accepted = promised <= LEAST_GAIN[0] + LEAST_GAIN[1] * value
        if promised < math.inf:
            _move(pose, step, new)
            if accepted:
                pose[:] = new
                return
            there, its_nearness = _expand(points, bearing, weight, new, next_gradient, next_H)
            accepted = value - there >= SUFFICIENT_SHARE * promised
        if accepted:
            value, nearness, damping = there, its_nearness, damping * EASIER
            pose[:], gradient[:], H[:] = new, next_gradient, next_H
        else:
            damping = max(damping * HARDER, FIRST_DAMPING)


@compiled
def _expand(
    points: Array, bearing: Array, weight: Array, pose: Array, gradient: Array, H: Array
) -> tuple[float, float]:
    """Value and nearness at a pose; fills in the gradient (6,) and the Hessian (6, 6)."""
    value = nearness = trace = trace_near = 0.0
    turn, shift, ahead = np.zeros(3), np.zeros(3), np.zeros(3)
    gn, shifts, both = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3, 3))
    q, n, g, cross = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros(3)
    for j in range(len(weight)):
        for i in range(3):
            q[i] = pose[i, 3]
            for a in range(3):
                q[i] += pose[i, a] * points[a, j]
        near = 1 / math.sqrt(max(q[0] * q[0] + q[1] * q[1] + q[2] * q[2], 1e-24))
        k, cosine, squares = weight[j], 0.0, 0.0
        for i in range(3):
            n[i], g[i] = q[i] * near, bearing[i, j]
            cosine += n[i] * g[i]
            squares += (n[i] - g[i]) ** 2
        cross[0] = n[1] * g[2] - n[2] * g[1]
        cross[1] = n[2] * g[0] - n[0] * g[2]
        cross[2] = n[0] * g[1] - n[1] * g[0]
        value += 0.5 * k * squares
        nearness += k * near * near
        trace += k * cosine
        trace_near += k * near * near * cosine
        for i in range(3):
            turn[i] -= k * cross[i]
            ahead[i] += k * near * cosine * n[i]
            shift[i] += k * near * (cosine * n[i] - g[i])
            for a in range(3):
                gn[i, a] += k * g[i] * n[a]
                both[i, a] += k * near * cross[i] * n[a]
                bend = g[i] * n[a] + g[a] * n[i] - 3 * cosine * n[i] * n[a]
                shifts[i, a] += k * near * near * bend
    both[0, 1] -= ahead[2]
    both[0, 2] += ahead[1]
    both[1, 0] += ahead[2]
    both[1, 2] -= ahead[0]
    both[2, 0] -= ahead[1]
    both[2, 1] += ahead[0]
    for i in range(3):
        gradient[i], gradient[3 + i] = turn[i], shift[i]
        for a in range(3):
            H[i, a] = (trace if i == a else 0.0) - 0.5 * (gn[i, a] + gn[a, i])
            H[3 + i, 3 + a] = (trace_near if i == a else 0.0) + shifts[i, a]
            H[i, 3 + a] = H[3 + a, i] = both[i, a]
    return value, nearness


@compiled
def _step(
    gradient: Array, H: Array, damping_turn: float, damping_shift: float, step: Array
) -> float:
    """Fills in the motion (6,) to the minimum of the expansion; returns the gain it promises.

    Infinite where the damped Hessian is not positive definite.
    """
    L = np.zeros((6, 6))
    for i in range(6):
        for j in range(i + 1):
            rest = H[i, j]
            if i == j:
                rest += damping_turn if i < 3 else damping_shift
            for a in range(j):
                rest -= L[i, a] * L[j, a]
            if i > j:
                L[i, j] = rest / L[j, j]
            elif rest > 0:
                L[i, i] = math.sqrt(rest)
            else:
                return math.inf
    promised = 0.0
    for i in range(6):
        rest = -gradient[i]
        for a in range(i):
            rest -= L[i, a] * step[a]
        step[i] = rest / L[i, i]
        promised += 0.5 * step[i] * step[i]
    for i in range(5, -1, -1):
        for a in range(i + 1, 6):
            step[i] -= L[a, i] * step[a]
        step[i] /= L[i, i]
    return promised


@compiled
def _move(pose: Array, step: Array, new: Array) -> None:
    """Fills in the pose (3, 4) after a motion (6,) in the camera's axes: a turn, then a shift."""
    x, y, z = step[0], step[1], step[2]
    angle = math.sqrt(x * x + y * y + z * z)
    sine = math.sin(angle) / angle if angle > 1e-8 else 1.0
    bend = 0.5 * (math.sin(angle / 2) / (angle / 2)) ** 2 if angle > 1e-8 else 0.5
    for c in range(4):
        p, q, r = pose[0, c], pose[1, c], pose[2, c]
        u, v, w = y * r - z * q, z * p - x * r, x * q - y * p
        new[0, c] = p + sine * u + bend * (y * w - z * v)
        new[1, c] = q + sine * v + bend * (z * u - x * w)
        new[2, c] = r + sine * w + bend * (x * v - y * u)
    for i in range(3):
        new[i, 3] += step[3 + i]
