"""What can still be read of a damaged .mcap file: cut off, or with a hole in the middle."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from bpnp_ros.backends.compression import decompress
from bpnp_ros.backends.rosbags import RawMessage
from bpnp_ros.bags.storage import Complain
from bpnp_ros.errors import BagError

MCAP_MAGIC = b"\x89MCAP0\r\n"
HEADER, SCHEMA, CHANNEL, MESSAGE, CHUNK = 1, 3, 4, 5, 6  # records
ROS_1 = (
    "holds messages of ROS 1, which are not read; convert the original recording: "
    "rosbags-convert --src X.bag --dst FOLDER"
)


class McapSalvage:
    """The records of an .mcap file from its start, without its index at the end."""

    def __init__(self, path: Path, complain: Complain) -> None:
        self.path, self._complain = path, complain
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, tuple[str, str]] = {}

    def close(self) -> None:
        """Nothing stays open."""

    def topics(self) -> dict[str, tuple[str, int]]:
        """Type and number of readable messages by topic."""
        found: dict[str, tuple[str, int]] = {}
        for channel, _, _ in self._messages():
            topic, kind = self._channels[channel]
            found[topic] = (kind, found.get(topic, ("", 0))[1] + 1)
        return found

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        for channel, log_time, raw in self._messages():
            topic, _ = self._channels[channel]
            if topic in topics:
                yield topic, log_time, raw

    def _messages(self) -> Iterator[tuple[int, int, bytes]]:
        with self.path.open("rb") as file:
            if file.read(len(MCAP_MAGIC)) != MCAP_MAGIC:
                self._complain(f"{self.path} is no mcap file")
                return
            try:
                yield from self._in_records(file)
            except struct.error as error:
                self._complain(f"{self.path}: what follows makes no sense ({error})")

    def _in_records(self, stream: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
        """Channel, time and content of the messages; schemas and channels are remembered."""
        for kind, content in self._records(stream):
            if kind == HEADER:
                self._refuse_ros_1(_string(content)[0] == "ros1")
            elif kind == SCHEMA:
                number, rest = _unpack("<H", content)
                self._schemas[number], encoding = _string(rest)
                self._refuse_ros_1(_string(encoding)[0] == "ros1msg")
            elif kind == CHANNEL:
                number, schema, rest = _unpack("<HH", content)
                self._channels[number] = (_string(rest)[0], self._schemas.get(schema, ""))
            elif kind == CHUNK and not isinstance(stream, io.BytesIO):  # none is within another
                yield from self._in_records(io.BytesIO(self._chunk(content)))
            elif kind == MESSAGE:
                channel, _, log_time, _, raw = _unpack("<HIQQ", content)
                if channel in self._channels:
                    yield channel, log_time, raw

    def _refuse_ros_1(self, found: bool) -> None:
        if found:
            raise BagError(f"{self.path} {ROS_1}.")

    def _records(self, stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
        start = stream.tell()
        longest = stream.seek(0, io.SEEK_END)
        stream.seek(start)
        while head := stream.read(9):
            size = int.from_bytes(head[1:], "little")
            content = stream.read(min(size, longest)) if len(head) == 9 else b""
            if len(head) == 9 and (len(content) == size or head[0] == CHUNK):
                yield head[0], content
            if len(content) < size and head != MCAP_MAGIC:
                self._complain(f"{self.path} was cut off in the middle of a record")

    def _chunk(self, content: bytes) -> bytes:
        """The records inside a chunk, up to where it was cut off; none if it is damaged."""
        _, _, size, checksum, rest = _unpack("<QQQI", content)
        compression, packed = _string(rest)
        try:
            records = decompress(compression, packed[8:])
        except BagError as error:
            self._complain(f"{self.path}: a chunk of {len(packed)} bytes is lost ({error})")
            return b""
        if len(records) == size and checksum and zlib.crc32(records) != checksum:
            self._complain(f"{self.path}: a chunk of {len(packed)} bytes is lost (checksum)")
            return b""
        return records


def _unpack(layout: str, content: bytes) -> tuple[Any, ...]:
    """The fields, and what follows them."""
    return (*struct.unpack_from(layout, content), content[struct.calcsize(layout) :])


def _string(content: bytes) -> tuple[str, bytes]:
    """A string, and what follows it."""
    end = 4 + int.from_bytes(content[:4], "little")
    return content[4:end].decode(errors="replace"), content[end:]
