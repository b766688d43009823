"""What a case is: a world, what the localiser is told of it, and what its camera reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.keypoints.keypoints import Keypoints
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.prior import PosePrior

Array = NDArray[np.float64]

RIGHT_METRES = 0.5


@dataclass(frozen=True, eq=False)
class Shot:
    """A frame. T_map_camera: the truth (4, 4), None where no pose is right.

    prior: told with it. before: the frame a tenth of a second before and where it was taken, of a
    camera that is followed. T_by_what_moved: where it is (4, 4) by a part of the map that moved.
    """

    keypoints: Keypoints
    T_map_camera: Array | None
    prior: PosePrior | None = None
    before: tuple[Keypoints, Array] | None = None
    T_by_what_moved: Array | None = None


@dataclass(frozen=True, eq=False)
class Case:
    """localizer: of a seed. shots: of the localiser, a seed, and for ever.

    kind: of world. right_metres: a pose further off is wrong. is_told: whether the world is as the
    localiser was told, so that its promises hold.
    """

    name: str
    kind: str
    localizer: Callable[[int], Localizer]
    shots: Callable[[Localizer, int], Iterator[Shot]]
    right_metres: float = RIGHT_METRES
    is_told: bool = True
