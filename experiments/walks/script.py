"""What befalls a camera on a walk: when, and what it makes of poses and keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bpnp_ros.geometry.camera import Camera
from experiments.zoo.kind import Array

HERTZ, FRAMES = 10.0, 300
QUIET, SLOT = 60, 45  # frames before the first event, and from one to the next
EVENTS = ("burst", "burst", "dark", "turn", "kidnap")
BURST_FRAMES, BURST_CLUTTER = 10, 0.6
TURN_FRAMES, TURN_RATE = 15, 2.0  # rad/s
DARK_FRAMES = (5, 30)
LEFT_IN_THE_DARK = 0.05  # share of keypoints


@dataclass(frozen=True, eq=False)
class Script:
    """event: (FRAMES,) what befalls each frame, empty for nothing. kidnap: from this frame on the
    camera is elsewhere."""

    event: list[str]
    kidnap: int

    @classmethod
    def of(cls, rng: np.random.Generator) -> Script:
        """Every event once a walk, bursts twice, in an order of its own."""
        event, kidnap = [""] * FRAMES, FRAMES
        for slot, name in enumerate(rng.permutation(EVENTS)):
            first = QUIET + SLOT * slot
            if name == "kidnap":
                kidnap = first + SLOT // 2
                name, last = "dark", kidnap
                first = kidnap - int(rng.choice([0, 5, 15]))  # in the light, or in the dark
            else:
                frames = {"burst": BURST_FRAMES, "turn": TURN_FRAMES}
                last = first + frames.get(name, int(rng.integers(*DARK_FRAMES)))
            event[first:last] = [str(name)] * (last - first)
        return cls(event, kidnap)

    @property
    def turned(self) -> Array:
        """(FRAMES,) radians about up, besides where the path leads."""
        turns = np.array([name == "turn" for name in self.event])
        angle: Array = turns.cumsum() * TURN_RATE / HERTZ
        return angle

    def reported(
        self, frame: int, pixels: Array, camera: Camera, rng: np.random.Generator
    ) -> Array:
        """What is left of a frame's keypoints (M, 2), and what comes to them."""
        if self.event[frame] == "dark":
            return pixels[rng.random(len(pixels)) < LEFT_IN_THE_DARK]
        if self.event[frame] == "burst":
            spots = round(len(pixels) * BURST_CLUTTER / (1 - BURST_CLUTTER))
            clutter = rng.uniform(0, (camera.width, camera.height), (spots, 2))
            return rng.permutation(np.concatenate([pixels, clutter]))
        return pixels
