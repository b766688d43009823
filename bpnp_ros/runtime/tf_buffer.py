"""A small TF tree for machines without tf2_ros: edges over time, interpolated and chained.

Frames form a tree: each has one parent. Stamps are integer nanoseconds; 0 asks for the newest.
"""

from __future__ import annotations

import bisect
import threading
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.errors import BpnpError
from bpnp_ros.geometry.rotation import so3_exp, so3_log

Array = NDArray[np.float64]

HISTORY = 10_000_000_000  # nanoseconds
FOREVER = 2**63 - 1  # nanoseconds
NEWEST = 0


class NoTransformError(BpnpError):
    """TF that is missing, too old, too new, or contradicts itself."""


@dataclass
class _Edge:
    """T_parent_child over time; a static edge has one entry that is always valid."""

    parent: str
    static: bool
    history: int
    longest_gap: int
    slack: int
    stamps: list[int] = field(default_factory=list)
    transforms: list[Array] = field(default_factory=list)
    strayed: int = 0
    """Where the last stamp lay that was not believed: 1 far ahead, -1 far back."""

    @property
    def newest(self) -> int:
        return self.stamps[-1] if self.stamps and not self.static else 0

    def insert(self, stamp: int, T: Array, newest: int) -> None:
        """newest: of all edges' stamps; one far from it is not believed until a second says so."""
        if self.static:
            self.stamps, self.transforms = [stamp], [T]
            return
        strays = self._strays(stamp, newest)
        if strays != self.strayed and strays:
            self.strayed = strays
            return
        self.strayed = 0
        if strays < 0:
            self.stamps, self.transforms = [], []
        at = bisect.bisect_left(self.stamps, stamp)
        known = at < len(self.stamps) and self.stamps[at] == stamp
        self.stamps[at : at + known] = [stamp]
        self.transforms[at : at + known] = [T]
        expired = bisect.bisect_left(self.stamps, self.stamps[-1] - self.history)
        del self.stamps[:expired], self.transforms[:expired]

    def _strays(self, stamp: int, newest: int) -> int:
        """1 or -1 for a stamp further ahead or back than is remembered, else 0."""
        if not self.stamps:
            return 0
        ahead = stamp > max(self.newest, newest) + self.history
        return int(ahead) - int(stamp < self.newest - self.history)

    def at(self, stamp: int, child: str) -> Array:
        if self.static or stamp == NEWEST:
            return self.transforms[-1]
        after = bisect.bisect_left(self.stamps, stamp)
        for near in (after, after - 1):
            if 0 <= near < len(self.stamps) and abs(self.stamps[near] - stamp) <= self.slack:
                return self.transforms[near]
        if after in (0, len(self.stamps)):
            raise NoTransformError(self._out_of_range(stamp, child))
        before, next_ = self.stamps[after - 1], self.stamps[after]
        if next_ - before > self.longest_gap:
            raise NoTransformError(
                f"TF from '{self.parent}' to '{child}' has a gap of {(next_ - before) / 1e9:.3f} s "
                f"around {stamp / 1e9:.3f} s."
            )
        share = (stamp - before) / (next_ - before)
        return interpolate(self.transforms[after - 1], self.transforms[after], share)

    def _out_of_range(self, stamp: int, child: str) -> str:
        first, last = self.stamps[0], self.stamps[-1]
        gap, side = (stamp - last, "after the last") if stamp > last else (first - stamp, "before")
        return (
            f"TF from '{self.parent}' to '{child}' is not known at {stamp / 1e9:.3f} s, "
            f"{gap / 1e9:.3f} s {side} transform received; are the clocks the same?"
        )


class TransformBuffer:
    """Edges of /tf and /tf_static, looked up at any time of the last seconds. Thread-safe.

    history: how long what moves is remembered. longest_gap: between two entries over which to
    interpolate. slack: by how much stamps may differ that mean the same. All in nanoseconds.
    """

    def __init__(self, history: int = HISTORY, longest_gap: int = FOREVER, slack: int = 0) -> None:
        self._limits = (history, longest_gap, slack)
        self._edges: dict[str, _Edge] = {}
        self._lock = threading.Lock()

    def set(self, parent: str, child: str, stamp: int, T: Array, static: bool) -> None:
        """Insert T_parent_child (4, 4). A new parent replaces the old one."""
        with self._lock:
            edge = self._edges.get(child)
            if edge is None or edge.parent != parent or edge.static != static:
                edge = self._edges[child] = _Edge(parent, static, *self._limits)
            newest = max(other.newest for other in self._edges.values())
            edge.insert(stamp, T, newest)

    def clear(self) -> None:
        """Forget what moves; static edges were sent once and stay."""
        with self._lock:
            self._edges = {child: edge for child, edge in self._edges.items() if edge.static}

    def hangs_below(self, frame: str, ancestor: str) -> bool:
        """Whether `ancestor` is a parent of `frame`, or a parent's parent."""
        with self._lock:
            return ancestor in self._ancestors(frame)[1:]

    def lookup(self, target: str, source: str, stamp: int, patience: float = 0.0) -> Array:
        """T_target_source (4, 4) at `stamp`. Raises NoTransformError that names what is missing.

        patience: not needed; what is not there is not on its way.
        """
        with self._lock:
            to_target, to_source = self._ancestors(target), self._ancestors(source)
            common = next((frame for frame in to_source if frame in to_target), None)
            if common is None:
                raise NoTransformError(self._not_connected(target, source))
            T_common_source = self._chain(to_source[: to_source.index(common)], stamp)
            T_common_target = self._chain(to_target[: to_target.index(common)], stamp)
        T_target_source = np.linalg.solve(T_common_target, T_common_source)
        return T_target_source.astype(np.float64, copy=False)

    def _ancestors(self, frame: str) -> list[str]:
        """The frame, its parent, and so on to the root; a loop ends where it closes."""
        found = [frame]
        while found[-1] in self._edges and self._edges[found[-1]].parent not in found:
            found.append(self._edges[found[-1]].parent)
        return found

    def _chain(self, frames: list[str], stamp: int) -> Array:
        T = np.eye(4)
        for frame in frames:
            T = self._edges[frame].at(stamp, frame) @ T
        return T

    def _not_connected(self, target: str, source: str) -> str:
        known = set(self._edges) | {edge.parent for edge in self._edges.values()}
        unknown = [f"'{frame}'" for frame in (target, source) if frame not in known]
        if unknown:
            return f"no TF from '{target}' to '{source}': nobody publishes {' or '.join(unknown)}."
        roots = [self._ancestors(frame)[-1] for frame in (target, source)]
        return (
            f"no TF from '{target}' to '{source}': they hang in two trees, "
            f"below '{roots[0]}' and '{roots[1]}'."
        )


def interpolate(T_a: Array, T_b: Array, share: float) -> Array:
    """Between two transforms (4, 4): straight in translation, constant rate in rotation."""
    R_a, R_b = torch.from_numpy(T_a[:3, :3]), torch.from_numpy(T_b[:3, :3])
    T = np.eye(4)
    T[:3, :3] = (R_a @ so3_exp(share * so3_log(R_a.T @ R_b))).numpy()
    T[:3, 3] = (1 - share) * T_a[:3, 3] + share * T_b[:3, 3]
    return T
