"""What was seen of a ROS graph in some seconds, without ROS: checks work on this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Endpoint:
    """A publisher, or the node's subscription: who has it and what QoS it offers or asks."""

    node: str
    reliable: bool
    latched: bool


@dataclass
class Input:
    """A topic that the localization node needs, and what came on it.

    asks: QoS of the node's subscription; None where no node runs. ages: seconds between a stamp and
    its arrival, by the listener's clock. elsewhere: other topics of the same type.
    """

    role: str
    topic: str
    publishers: list[Endpoint] = field(default_factory=list)
    asks: Endpoint | None = None
    count: int = 0
    ages: list[float] = field(default_factory=list)
    last: Any = None
    elsewhere: list[str] = field(default_factory=list)

    @property
    def frame(self) -> str:
        return "" if self.last is None else str(self.last.header.frame_id).lstrip("/")


@dataclass(frozen=True)
class NodeStatus:
    """A localization node's last diagnostics. parameters: of its frames and TF, by name."""

    name: str
    message: str
    values: dict[str, str]
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass
class Graph:
    """lookup: T_target_source (4, 4), newest; raises NoTransformError. seconds: listened for."""

    seconds: float
    domain: str
    inputs: dict[str, Input]
    node: NodeStatus | None
    lookup: Callable[[str, str], Array]
