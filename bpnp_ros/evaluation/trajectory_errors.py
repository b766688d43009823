"""Errors of a trajectory as a whole, as the TUM benchmark defines them; nothing is aligned."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.geometry.rotation import so3_log

Array = NDArray[np.float64]


def absolute_error(T_truth: Array, T_found: Array) -> dict[str, float]:
    """Distances of the camera centres, (P, 4, 4) twice, metres: rmse, mean, median, std, max."""
    return _statistics(np.linalg.norm(T_truth[:, :3, 3] - T_found[:, :3, 3], axis=1))


def relative_error(T_truth: Array, T_found: Array) -> tuple[dict[str, float], dict[str, float]]:
    """Of the motions from each pose to the next: translation in metres, rotation in degrees."""
    off = np.linalg.inv(_motions(T_truth)) @ _motions(T_found)
    degrees = np.degrees(so3_log(torch.from_numpy(off[:, :3, :3])).norm(dim=1).numpy())
    return _statistics(np.linalg.norm(off[:, :3, 3], axis=1)), _statistics(degrees)


def within_two_sigma(T_truth: Array, T_found: Array, covariance: Array) -> tuple[float, float]:
    """Share of position errors and of rotation errors, axis by axis, within two sigma.

    covariance: (P, 6, 6) as a Fix has it. Honest covariances give 0.954; NaN without poses.
    """
    if len(T_found) == 0:
        return float("nan"), float("nan")
    R_off = T_found[:, :3, :3] @ T_truth[:, :3, :3].transpose(0, 2, 1)
    rotation = so3_log(torch.from_numpy(np.ascontiguousarray(R_off))).numpy()
    sigma = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    position = T_found[:, :3, 3] - T_truth[:, :3, 3]
    inside = np.abs(np.hstack([position, rotation])) <= 2 * sigma
    return float(inside[:, :3].mean()), float(inside[:, 3:].mean())


def _motions(T_map_camera: Array) -> Array:
    return np.linalg.inv(T_map_camera[:-1]) @ T_map_camera[1:]


def _statistics(errors: Array) -> dict[str, float]:
    if len(errors) == 0:
        return dict.fromkeys(("rmse", "mean", "median", "std", "max"), float("nan"))
    return {
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "mean": float(errors.mean()),
        "median": float(np.median(errors)),
        "std": float(errors.std()),
        "max": float(errors.max()),
    }
