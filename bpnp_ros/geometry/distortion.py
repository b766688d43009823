"""Distortion as drivers state it -> the model and the coefficients that are meant."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import CameraError

# how many coefficients a model may have; a missing tail is zero
_COUNTS = {
    "plumb_bob": (0, 4, 5),
    "rational_polynomial": (0, 8, 12, 14),
    "equidistant": (0, 4),
}
_ALIASES = {
    "": "plumb_bob",
    "brown_conrady": "plumb_bob",
    "radtan": "plumb_bob",
    "opencv": "plumb_bob",
    "rational": "rational_polynomial",
    "fisheye": "equidistant",
    "kannala_brandt": "equidistant",
    "kannala_brandt4": "equidistant",
    "kb4": "equidistant",
    "equi": "equidistant",
}


def checked_distortion(name: str, D: tuple[float, ...]) -> tuple[str, tuple[float, ...]]:
    """The model (plumb_bob, rational_polynomial or equidistant) and as many coefficients as it has.

    Zeros at the end count for nothing: plumb_bob with more than five coefficients that are not
    zero is rational_polynomial, as in OpenCV. Any name will do without distortion. Raises
    CameraError for coefficients of a model that is not known, too many, and such as are not finite.
    """
    if not all(math.isfinite(coefficient) for coefficient in D):
        raise CameraError("D holds values that are not finite; calibrate the camera.")
    model = _standard_name(name)
    used = _without_zeros(D)
    if model not in _COUNTS:
        if used:
            raise CameraError(
                f"distortion model '{name}' is not known; known are {', '.join(_COUNTS)}. Without "
                "distortion (D of zeros) any name will do: rectify the images."
            )
        return "plumb_bob", ()
    if model == "plumb_bob" and len(used) > 5:
        model = "rational_polynomial"
    if len(used) > _COUNTS[model][-1]:
        raise CameraError(
            f"D holds {len(D)} coefficients; {model} has "
            f"{' or '.join(str(count) for count in _COUNTS[model])}."
        )
    if len(D) in _COUNTS[model]:
        return model, D
    count = next(count for count in _COUNTS[model] if count >= len(used))
    return model, used + (0.0,) * (count - len(used))


def is_known_model(name: str) -> bool:
    """Whether `checked_distortion` knows what coefficients of this model mean."""
    return _standard_name(name) in _COUNTS


def _standard_name(name: str) -> str:
    stated = name.strip().lower().replace("-", "_")
    return _ALIASES.get(stated, stated)


def distorted_radius(
    angle: NDArray[np.float64], model: str, D: tuple[float, ...]
) -> NDArray[np.float64]:
    """Radius on the distorted z = 1 plane of rays `angle` radians off the axis, in any shape.

    The radial part of the model alone.
    """
    k = np.zeros(14)
    k[: len(D)] = D
    if model == "equidistant":
        square = angle**2
        series = square * (k[0] + square * (k[1] + square * (k[2] + square * k[3])))
        return angle * (1 + series)
    r = np.tan(angle)
    square = r**2
    above = 1 + square * (k[0] + square * (k[1] + square * k[4]))
    below = 1 + square * (k[5] + square * (k[6] + square * k[7]))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(r * above / below)


@lru_cache(maxsize=256)
def fold_angle(model: str, D: tuple[float, ...]) -> float:
    """Radians off the axis up to which the distorted radius grows; pi (pi / 2 without fisheye)
    where it always does."""
    end = math.pi if model == "equidistant" else math.pi / 2
    angles = np.linspace(0, end, 4097)[:-1]
    growth = np.diff(distorted_radius(angles, model, D))
    folded = np.flatnonzero(~(growth > 0))
    return float(angles[folded[0]]) if len(folded) else end


def _without_zeros(D: tuple[float, ...]) -> tuple[float, ...]:
    length = len(D)
    while length and D[length - 1] == 0:
        length -= 1
    return tuple(D[:length])
