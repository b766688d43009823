"""Bright spots of an image, each by itself, also where their light runs together.

The image is looked at from the brightest level down. What comes up alone is a spot and grows with
each level, until it meets another: two that stand out from what joins them are two, and stay as
they were; one that does not is a part of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import opencv

Labels = NDArray[np.int32]

STEP = 1.15  # from one level to the next
FOOT = 0.1  # of its peak, down to which a spot grows
APART = 0.15  # of its peak, by which a spot stands out from what joins it to others


@dataclass
class _Known:
    """Spots so far, by their number; 0 is none. peaks: (S,). grows: (S,) whether one has met
    nothing yet that is a spot as well. gone: (S,) whether one was a part of another."""

    peaks: NDArray[np.float64]
    grows: NDArray[np.bool_]
    gone: NDArray[np.bool_]

    @classmethod
    def none(cls) -> _Known:
        return cls(np.zeros(1), np.zeros(1, bool), np.zeros(1, bool))

    def add(self, peaks: NDArray[np.float64]) -> NDArray[np.int64]:
        """The numbers of new ones."""
        new = len(self.peaks) + np.arange(len(peaks))
        self.peaks = np.append(self.peaks, peaks)
        self.grows = np.append(self.grows, np.ones(len(peaks), bool))
        self.gone = np.append(self.gone, np.zeros(len(peaks), bool))
        return new

    def meet(self, spots: Labels, level: float, stands_out: float) -> int:
        """Which of some that meet below a level takes in the others; 0 where several are left."""
        peaks = self.peaks[spots]
        apart = peaks - level >= np.maximum(APART * peaks, stands_out)
        kept = apart | ~self.grows[spots]
        kept[peaks.argmax()] = True
        self.gone[spots[~kept]] = True
        if kept.sum() > 1:
            self.grows[spots] = False
            return 0
        return int(spots[kept][0])


def separate_spots(above: NDArray[np.float32], least: float, stands_out: float) -> Labels:
    """(H, W) the spot of each pixel, 0 for none, of values (H, W) above the background.

    least: the lowest level. stands_out: the least difference that is no accident.
    """
    lit = np.flatnonzero(above > least)
    values, spots, known = above.ravel()[lit], np.zeros(len(lit), np.int32), _Known.none()
    for level in _levels(float(values.max(initial=0.0)), least):
        parts = opencv.connected_components(above > level).ravel()[lit]
        owner = _owners(spots, parts, known, level, stands_out)
        fresh, new = np.flatnonzero(owner < 0), owner[parts] < 0
        owner[fresh] = known.add(_greatest(values[new], parts[new], len(owner))[fresh])
        grown = known.grows[owner] & (level >= FOOT * known.peaks[owner])
        spots = np.where(grown[parts], owner[parts], spots)
        spots[known.gone[spots]] = 0
    image = np.zeros(above.size, np.int32)
    image[lit] = spots
    return image.reshape(above.shape)


def _owners(spots: Labels, parts: Labels, known: _Known, level: float, stands_out: float) -> Labels:
    """(P,) the spot that each part of a level belongs to: 0 for several, -1 for none yet."""
    count = len(known.peaks)
    part, spot = np.divmod(
        np.flatnonzero(np.bincount(parts.astype(np.int64) * count + spots)), count
    )
    part, spot = part[spot > 0], spot[spot > 0]
    held = np.bincount(part, minlength=int(parts.max(initial=0)) + 1)
    owner = np.where(held == 0, -1, 0).astype(np.int32)
    owner[0] = 0
    alone = held[part] == 1
    owner[part[alone]] = spot[alone]
    for several in np.flatnonzero(held > 1):
        owner[several] = known.meet(spot[part == several], STEP * level, stands_out)
    return owner


def _levels(most: float, least: float) -> NDArray[np.float64]:
    """From just below the brightest value down."""
    steps = max(int(np.log(max(most / least, 1.0)) / np.log(STEP)), 0)
    return least * STEP ** np.arange(steps, -1.0, -1.0)


def _greatest(values: NDArray[np.float32], parts: Labels, count: int) -> NDArray[np.float64]:
    greatest = np.zeros(count)
    np.maximum.at(greatest, parts, values)
    return greatest
