"""Is the camera the one that CameraInfo describes? What the fits of many views say together."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.geometry.camera import Frustum
from bpnp_ros.localizer.self_checks.calibration import Calibration
from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.self_checks.lens_fit import LensFit

Array = NDArray[np.float64]

MOST_VIEWS, LEAST_VIEWS = 64, 4
LEAST_AGREEING = 0.5  # share of the views
SIGNIFICANT = 5.0  # standard deviations
NOTICEABLE = 0.01  # relative to the distance from the middle; maps are no better
CONSPICUOUS = 4.0  # standard deviations of a single view
TELLING = 0.1  # standard deviation of the focal length, relative; other views say nothing of it
TAIL = 4.0  # degrees of freedom of Student's t: a view may be wrong altogether
OUTLYING = 9.0  # squared standard deviations
ROUNDS = 15
TINY = 1e-9
SAME_VIEW = 1e-3  # of the width and height of the image


@dataclass(frozen=True, eq=False)
class LensEstimate:
    """(focal, bend) of all views together: mean (2,), covariance (2, 2); how many views agree."""

    mean: Array
    covariance: Array
    views: int
    agreeing: int

    @property
    def lens(self) -> LensError:
        return LensError(*self.mean.tolist())

    @property
    def focal(self) -> tuple[float, float]:
        """The error of the focal length and its standard deviation."""
        return float(self.mean[0]), float(self.covariance[0, 0] ** 0.5)

    @cached_property
    def sigmas(self) -> float:
        """How many standard deviations away a right camera is."""
        return float(np.sqrt(self.mean @ np.linalg.solve(self.covariance, self.mean)))


class CameraCheck:
    """Takes one fit for each view; forgets them when the camera becomes another."""

    def __init__(self) -> None:
        self._fits = deque[LensFit](maxlen=MOST_VIEWS)
        self._newest: LensFit | None = None
        self._view: Frustum | None = None
        self.estimate: LensEstimate | None = None
        """None until enough views say something."""

    def look_through(self, view: Frustum) -> None:
        """The image as CameraInfo has it now: another one is another camera."""
        if self._view is None or not view.is_close(self._view, SAME_VIEW):
            self._view, self.estimate, self._newest = view, None, None
            self._fits.clear()

    def take(self, fit: LensFit) -> None:
        """Of a view that differs from the one before."""
        self._newest = fit
        if fit.sigma_focal < TELLING:
            self._fits.append(fit)
        if len(self._fits) >= LEAST_VIEWS:
            self.estimate = pooled(list(self._fits))

    @property
    def start(self) -> LensError:
        """Where the next fit begins."""
        return self.estimate.lens if self.estimate else LensError()

    @property
    def calibration(self) -> Calibration:
        """Of the focal length: by the views, where they say more than that it was calibrated."""
        before = Calibration()
        if self.estimate is None:
            return before
        by_views = Calibration(*self.estimate.focal)
        return by_views if by_views.sigma < before.sigma else before

    @property
    def lens(self) -> LensError | None:
        """The lens as it looks, where that is certainly not what CameraInfo says."""
        estimate = self.estimate
        if estimate is None or self._view is None:
            return None
        agree = estimate.agreeing >= LEAST_AGREEING * estimate.views
        size = estimate.lens.size(self._view)
        is_wrong = agree and estimate.sigmas > SIGNIFICANT and size > NOTICEABLE
        return estimate.lens if is_wrong else None

    @property
    def shift(self) -> Array | None:
        """(6,) metres and radians in the camera's axes: how far a pose is off where the lens, or
        the newest view of it, is not what CameraInfo says."""
        newest, view = self._newest, self._view
        if newest is None or view is None:
            return None
        size = LensError(*newest.error.tolist()).size(view)
        is_odd = newest.sigmas > CONSPICUOUS and size > NOTICEABLE
        return newest.shift if is_odd or self.lens is not None else None

    @property
    def words(self) -> str:
        """What looks wrong with the camera, and what helps."""
        assert self.estimate is not None
        focal, bend = self.estimate.mean
        of_focal, of_bend = np.sqrt(np.diag(self.estimate.covariance))
        parts = []
        if abs(focal) > SIGNIFICANT * of_focal:
            parts.append(f"focal length by {focal:+.1%} (+- {of_focal:.1%})")
        if abs(bend) > SIGNIFICANT * of_bend or not parts:
            parts.append(f"first distortion coefficient by {bend:+.3f} (+- {of_bend:.3f})")
        return (
            f"the camera looks miscalibrated: {' and '.join(parts)} beside CameraInfo, over "
            f"{self.estimate.views} views; calibrate it, see that CameraInfo is of this very "
            "stream, or set refine_intrinsics."
        )

    @property
    def figures(self) -> str:
        """What is known of the lens, for people."""
        if self.estimate is None:
            return f"{len(self._fits)} views that tell the focal length, {LEAST_VIEWS} are needed"
        focal, bend = self.estimate.mean
        of_focal, of_bend = np.sqrt(np.diag(self.estimate.covariance))
        return (
            f"focal length {focal:+.1%} (+- {of_focal:.1%}), first distortion coefficient "
            f"{bend:+.3f} (+- {of_bend:.3f}) beside CameraInfo, over {self.estimate.views} views"
        )


def pooled(fits: list[LensFit]) -> LensEstimate:
    """The mean weighted by information, robustly: views that disagree count little.

    The covariance grows with the views' scatter where they scatter more than they claim.
    """
    errors = np.stack([fit.error for fit in fits])
    information = np.stack([fit.information for fit in fits])
    apart = errors[:, None] - errors
    mean = errors[np.log1p(_squared(apart, information) / TAIL).sum(axis=1).argmin()]
    for _ in range(ROUNDS):
        squared = _squared(errors - mean, information)
        weight = (TAIL + 2) / (TAIL + squared)
        total = (weight[:, None, None] * information).sum(axis=0) + TINY * np.eye(2)
        mean = np.linalg.solve(total, np.einsum("n,nij,nj->i", weight, information, errors))
    scatter = max(float((weight * squared).sum() / (2 * weight.sum())), 1.0)
    agreeing = int((squared < OUTLYING * scatter).sum())
    return LensEstimate(mean, scatter * np.linalg.inv(total), len(fits), agreeing)


def _squared(apart: Array, information: Array) -> Array:
    """Squared standard deviations (..., N) of differences (..., N, 2)."""
    squared: Array = np.einsum("...ni,nij,...nj->...n", apart, information, apart)
    return squared
