"""Functions of float32 that are vectorised, and small systems of equations."""

from __future__ import annotations

import math

import numpy as np

from bpnp_ros.backends.numba import compiled
from bpnp_ros.localizer.compiled.given import Doubles


@compiled
def exp2(x: np.float32) -> np.float32:
    """2^x to five digits between -58 and 115, and as there beyond."""
    x = min(max(x, np.float32(-58)), np.float32(115))
    power = np.int32(np.int32(x + np.float32(64.5)) - np.int32(64))
    r = x - np.float32(power)
    series = np.float32(1.33335581e-3)
    series = series * r + np.float32(9.61812910e-3)
    series = series * r + np.float32(5.55041087e-2)
    series = series * r + np.float32(2.40226507e-1)
    series = series * r + np.float32(6.93147182e-1)
    series = series * r + np.float32(1)
    bits = np.int32(np.int32(power + np.int32(127)) << np.int32(23))
    return series * np.int32(bits).view(np.float32)


@compiled
def log2(x: np.float32) -> np.float32:
    """To six digits, of positive numbers that are not denormal."""
    # x = 2^power (1 + r) with r between -0.29 and 0.41
    bits = np.int32(np.float32(x).view(np.int32) - np.int32(0x3F3504F3))
    power = np.int32(bits >> np.int32(23))
    whole = np.int32(np.int32(bits & np.int32(0x007FFFFF)) + np.int32(0x3F3504F3))
    r = np.int32(whole).view(np.float32) - np.float32(1)
    series = np.float32(7.0376836292e-2)
    series = series * r - np.float32(1.1514610310e-1)
    series = series * r + np.float32(1.1676998740e-1)
    series = series * r - np.float32(1.2420140846e-1)
    series = series * r + np.float32(1.4249322787e-1)
    series = series * r - np.float32(1.6668057665e-1)
    series = series * r + np.float32(2.0000714765e-1)
    series = series * r - np.float32(2.4999993993e-1)
    series = series * r + np.float32(3.3333331174e-1)
    natural = r - np.float32(0.5) * r * r + series * r * r * r
    return np.float32(power) + natural * np.float32(1.44269504)


@compiled
def solve(H: Doubles, g: Doubles) -> None:
    """g <- H^-1 g (n,) by Cholesky's factors, which take the place of H (n, n)."""
    n = len(g)
    for j in range(n):
        for k in range(j):
            for i in range(j, n):
                H[i, j] -= H[i, k] * H[j, k]
        pivot = math.sqrt(H[j, j])
        for i in range(j, n):
            H[i, j] /= pivot
    for i in range(n):
        for j in range(i):
            g[i] -= H[i, j] * g[j]
        g[i] /= H[i, i]
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            g[i] -= H[j, i] * g[j]
        g[i] /= H[i, i]


@compiled
def rotation(x: float, y: float, z: float, R: Doubles) -> None:
    """Rodrigues' formula, rad -> R (3, 3)."""
    angle = math.sqrt(x * x + y * y + z * z)
    sinc, half = 1 - angle**2 / 6, 0.5 - angle**2 / 24
    if angle > 1e-4:
        sinc, half = math.sin(angle) / angle, 2 * (math.sin(angle / 2) / angle) ** 2
    R[0, 0] = 1 - half * (y * y + z * z)
    R[1, 1] = 1 - half * (z * z + x * x)
    R[2, 2] = 1 - half * (x * x + y * y)
    R[0, 1], R[1, 0] = half * x * y - sinc * z, half * x * y + sinc * z
    R[1, 2], R[2, 1] = half * y * z - sinc * x, half * y * z + sinc * x
    R[2, 0], R[0, 2] = half * z * x - sinc * y, half * z * x + sinc * y
