"""When frame after frame has no pose: would another focal length do?"""

from __future__ import annotations

from bpnp_ros.localizer.self_checks.lens_error import LensError
from bpnp_ros.localizer.types import Category, Fix, Rejection

PATIENCE = 4  # frames without a pose before one is looked at through another lens
FACTORS = (1.1, 0.9, 1.25, 0.8, 1.5, 0.67, 2.0, 0.5)
FAILED = (Category.NOT_VERIFIED, Category.AMBIGUOUS)


class FocalTrials:
    """Proposes lenses one by one; stays with one that worked, and is less patient then."""

    def __init__(self) -> None:
        self._failures, self._next = 0, 0

    def lens_to_try(self, answer: Fix | Rejection) -> LensError | None:
        """After this answer to a lost camera; None: nothing is to be tried."""
        if isinstance(answer, Fix):
            self._failures = 0
        elif answer.category in FAILED:
            self._failures += 1
        if isinstance(answer, Fix) or self._failures < PATIENCE:
            return None
        self._failures = 0
        return LensError(FACTORS[self._next] - 1)

    def tell(self, worked: bool) -> None:
        """How the last one did."""
        if worked:
            self._failures = PATIENCE - 1
        else:
            self._next = (self._next + 1) % len(FACTORS)
