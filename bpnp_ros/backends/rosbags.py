"""rosbags: reads and writes rosbag2 without ROS. The only file that imports it (0.11 and newer)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from bpnp_ros.backends.compression import decompress
from bpnp_ros.errors import BagError

RawMessage = tuple[str, int, bytes]
"""Topic, time of recording in nanoseconds, CDR."""


@cache
def _types() -> Any:
    """The message types of ROS 2; those used here are the same in every distribution."""
    try:
        from rosbags.typesys import Stores, get_typestore
    except ImportError as error:
        raise BagError(
            f"rosbags cannot be loaded ({error}): pip install 'rosbags>=0.11'."
        ) from error
    return get_typestore(Stores.ROS2_JAZZY)


def require() -> None:
    """Raise BagError with advice where rosbags is missing."""
    _types()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Whatever a damaged file makes the library raise, as a BagError."""
    try:
        yield
    except Exception as error:
        raise BagError(f"{path}: {error or type(error).__name__}") from error


def deserialize(raw: bytes, kind: str) -> Any:
    """CDR -> a message with the attributes of ROS's own. Raises BagError."""
    try:
        return _types().deserialize_cdr(raw, kind)
    except Exception as error:
        raise BagError(f"{len(raw)} bytes are no {kind}: {error}") from error


def message(kind: str, **fields: Any) -> Any:
    """A message such as sensor_msgs/msg/PointCloud2; every field must be given."""
    return _types().types[kind](**fields)


def _decompressed(name: str, data: bytes, _: int) -> bytes:
    return decompress(name, data)


class Reader:
    """An intact .mcap file. Raises BagError where it is not."""

    def __init__(self, path: Path) -> None:
        require()
        from rosbags.rosbag2 import Reader as RosbagsReader
        from rosbags.rosbag2.storage_mcap import DECOMPRESSORS

        for name in ("zstd", "lz4"):  # the library's own ones know no bounds
            DECOMPRESSORS[name] = partial(_decompressed, name)
        self.path = path
        with _explained(path):
            self._reader = RosbagsReader(path)
            self._reader.open()

    def close(self) -> None:
        self._reader.close()

    def topics(self) -> dict[str, tuple[str, int]]:
        """Type and number of messages by topic."""
        found: dict[str, tuple[str, int]] = {}
        for connection in self._reader.connections:
            _, count = found.get(connection.topic, ("", 0))
            found[connection.topic] = (connection.msgtype, count + connection.msgcount)
        return found

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """In the order of recording. Raises BagError where damage begins."""
        wanted = [c for c in self._reader.connections if c.topic in topics]
        if not wanted:
            return
        with _explained(self.path):
            for connection, log_time, raw in self._reader.messages(wanted):
                yield connection.topic, log_time, bytes(raw)


class Writer:
    """A new bag folder, as Jazzy and newer read it.

    storage: sqlite3 or mcap. compression: none, message or file (zstd).
    """

    def __init__(self, path: Path, storage: str = "mcap", compression: str = "none") -> None:
        require()
        from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
        from rosbags.rosbag2 import Writer as RosbagsWriter

        with _explained(path):
            plugin = StoragePlugin[storage.upper()]
            self._writer = RosbagsWriter(path, version=8, storage_plugin=plugin)
            mode = CompressionMode[compression.upper()]
            self._writer.set_compression(mode, CompressionFormat.ZSTD)
            self._writer.open()
        self._connections: dict[str, Any] = {}

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add_topic(self, topic: str, kind: str, latched: bool = False) -> None:
        """latched: offered as transient local, so that it is played that way."""
        self._connections[topic] = self._writer.add_connection(
            topic, kind, typestore=_types(), offered_qos_profiles=[_latched()] if latched else []
        )

    def write(self, topic: str, log_time: int, message: Any) -> None:
        """Nanoseconds."""
        raw = _types().serialize_cdr(message, message.__msgtype__)
        self._writer.write(self._connections[topic], log_time, raw)


def _latched() -> Any:
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    for_ever = QosTime(2147483647, 4294967295)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL,
        deadline=for_ever,
        lifespan=for_ever,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=for_ever,
        avoid_ros_namespace_conventions=False,
    )
