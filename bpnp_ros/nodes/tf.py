"""TF as the localiser needs it: look-ups at the image's stamp, one broadcast, second parents.

Transforms are kept by tf2_ros where it is installed, by `tf_buffer.py` elsewhere.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

from bpnp_ros.errors import ConfigError
from bpnp_ros.nodes.messages import header, transform_message
from bpnp_ros.runtime.conversions import frame_name, nanoseconds, read_transform
from bpnp_ros.runtime.tf_buffer import NoTransformError, TransformBuffer

if TYPE_CHECKING:
    from geometry_msgs.msg import TransformStamped

Array = NDArray[np.float64]

PARENT_FORGOTTEN_AFTER = 5.0  # seconds without a transform from it


class TransformStore(Protocol):
    """Where transforms are kept: tf2_ros, or our own buffer."""

    def set(self, transform: TransformStamped, static: bool) -> None: ...
    def lookup(self, target: str, source: str, stamp: int) -> Array: ...
    def clear(self) -> None: ...


class OwnStore:
    """`TransformBuffer`, fed with messages."""

    def __init__(self) -> None:
        self._buffer = TransformBuffer()
        self.lookup, self.clear = self._buffer.lookup, self._buffer.clear

    def set(self, transform: TransformStamped, static: bool) -> None:
        parent, child = transform.header.frame_id, transform.child_frame_id
        T = read_transform(transform.transform)
        self._buffer.set(parent, child, nanoseconds(transform.header.stamp), T, static)


class Tf2Store:
    """tf2's own buffer."""

    def __init__(self) -> None:
        import tf2_ros

        self._buffer = tf2_ros.Buffer()
        self._error = tf2_ros.TransformException
        self.clear = self._buffer.clear

    def set(self, transform: TransformStamped, static: bool) -> None:
        put = self._buffer.set_transform_static if static else self._buffer.set_transform
        put(transform, "bpnp_ros")

    def lookup(self, target: str, source: str, stamp: int) -> Array:
        from rclpy.time import Time

        try:
            found = self._buffer.lookup_transform(target, source, Time(nanoseconds=stamp))
        except self._error as error:
            raise NoTransformError(f"no TF from '{target}' to '{source}': {error}") from error
        return read_transform(found.transform)


def make_store() -> TransformStore:
    try:
        return Tf2Store()
    except ImportError:
        return OwnStore()


class Transforms:
    """Listens to /tf and /tf_static, and broadcasts on /tf."""

    def __init__(self, node: Node, store: TransformStore | None = None) -> None:
        self._node = node
        self._store = store or make_store()
        self._changed = threading.Condition()
        self._parents: dict[str, dict[str, float]] = {}
        latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._subscriptions = [
            node.create_subscription(TFMessage, "/tf", partial(self._on_message, False), 100),
            node.create_subscription(
                TFMessage, "/tf_static", partial(self._on_message, True), latched
            ),
        ]
        self._publisher = node.create_publisher(TFMessage, "/tf", 100)

    def close(self) -> None:
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._node.destroy_publisher(self._publisher)

    def clear(self) -> None:
        """Forget what was heard, because time has jumped; what is static stays."""
        with self._changed:
            self._store.clear()
            for child, heard in self._parents.items():
                self._parents[child] = {p: at for p, at in heard.items() if at == np.inf}

    def lookup(self, target: str, source: str, stamp: int, patience: float = 0.0) -> Array:
        """T_target_source (4, 4) at `stamp` (nanoseconds, 0 for the newest).

        Waits up to `patience` seconds, never on the executor's thread, for TF that is on its way.
        Raises NoTransformError.
        """
        if target == source:
            return np.eye(4)
        deadline = time.monotonic() + patience
        with self._changed:
            while True:
                try:
                    return self._store.lookup(target, source, stamp)
                except NoTransformError:
                    if not self._changed.wait(deadline - time.monotonic()):
                        raise

    def other_parent(self, child: str, parent: str) -> str | None:
        """A parent that somebody else gives to `child`, if it has one that is not `parent`."""
        recent = time.monotonic() - PARENT_FORGOTTEN_AFTER
        with self._changed:
            heard = self._parents.get(child, {})
            return next((p for p, at in heard.items() if p != parent and at > recent), None)

    def hangs_below(self, frame: str, ancestor: str) -> bool:
        """Whether `ancestor` is a parent of `frame`, or a parent's parent."""
        with self._changed:
            seen, waiting = set[str](), [frame]
            while waiting:
                parents = set(self._parents.get(waiting.pop(), ())) - seen
                seen |= parents
                waiting += parents
            return ancestor in seen

    def broadcast(self, stamp: int, parent: str, child: str, T_parent_child: Array) -> None:
        transform = transform_message(header(stamp, parent), child, T_parent_child)
        self._publisher.publish(TFMessage(transforms=[transform]))

    def _on_message(self, static: bool, message: TFMessage) -> None:
        at = np.inf if static else time.monotonic()
        with self._changed:
            for transform in message.transforms:
                self._take(transform, static, at)
            self._changed.notify_all()

    def _take(self, transform: TransformStamped, static: bool, at: float) -> None:
        child = transform.child_frame_id = frame_name(transform.child_frame_id)
        parent = transform.header.frame_id = frame_name(transform.header.frame_id)
        try:
            self._store.set(transform, static)
        except ConfigError as error:
            self._node.get_logger().warning(
                f"TF from '{parent}' to '{child}' ignored: {error}", throttle_duration_sec=5.0
            )
            return
        self._parents.setdefault(child, {})[parent] = at
