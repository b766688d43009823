"""What can still be read of a damaged storage file: cut off, or with a hole in the middle."""

from __future__ import annotations

import io
import sqlite3
import struct
import sys
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from bpnp_ros.backends.rosbags import RawMessage
from bpnp_ros.errors import BagError

Complain = Callable[[str], None]

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MCAP_MAGIC = b"\x89MCAP0\r\n"
SCHEMA, CHANNEL, MESSAGE, CHUNK = 3, 4, 5, 6  # records of mcap
LARGEST_HOLE = 1 << 20  # rows of a database
_BLOCK = 1 << 20  # bytes


class McapSalvage:
    """The records of an .mcap file from its start, without its index at the end."""

    def __init__(self, path: Path, complain: Complain) -> None:
        self.path, self._complain = path, complain
        self._schemas: dict[int, str] = {}
        self._channels: dict[int, tuple[str, str]] = {}

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
                yield topic, log_time, unpacked(raw)

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
            if kind == SCHEMA:
                number, name = _unpack("<H", content)
                self._schemas[number] = _string(name)[0]
            elif kind == CHANNEL:
                number, schema, rest = _unpack("<HH", content)
                self._channels[number] = (_string(rest)[0], self._schemas.get(schema, ""))
            elif kind == CHUNK:
                yield from self._in_records(io.BytesIO(self._chunk(content)))
            elif kind == MESSAGE:
                channel, _, log_time, _, raw = _unpack("<HIQQ", content)
                if channel in self._channels:
                    yield channel, log_time, raw

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
            records = _decompress(compression, packed[8:])
        except Exception as error:  # each compression has its own
            self._complain(f"{self.path}: a chunk of {len(packed)} bytes is lost ({error})")
            return b""
        if len(records) == size and checksum and zlib.crc32(records) != checksum:
            self._complain(f"{self.path}: a chunk of {len(packed)} bytes is lost (checksum)")
            return b""
        return records


class SqliteSalvage:
    """The rows of a .db3 file that can be reached, one after the other."""

    def __init__(self, path: Path, complain: Complain) -> None:
        self.path, self._complain = path, complain

    def topics(self) -> dict[str, tuple[str, int]]:
        """Type and number of readable messages by topic."""
        found = {name: (kind, 0) for name, kind in self._topics().values()}
        for topic, _, _ in self.messages(found):
            kind, count = found[topic]
            found[topic] = (kind, count + 1)
        return found

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        names = {number: name for number, (name, _) in self._topics().items() if name in topics}
        for topic, log_time, raw in self._rows():
            if topic in names:
                yield names[topic], log_time, unpacked(raw)

    def _rows(self) -> Iterator[tuple[int, int, bytes]]:
        """Past a row that cannot be read goes on with a later one, in strides that double."""
        query = "SELECT id, topic_id, timestamp, data FROM messages WHERE id > ? ORDER BY id"
        last, stride = 0, 1
        while stride < LARGEST_HOLE:
            try:
                for number, *row in self._connect().execute(query, (last,)):
                    last, stride = number, 1
                    yield row[0], row[1], row[2]
                return
            except sqlite3.DatabaseError as error:
                last, stride = last + stride, 2 * stride
                self._complain(f"{self.path}: messages are missing ({error})")

    def _topics(self) -> dict[int, tuple[str, str]]:
        try:
            rows = self._connect().execute("SELECT id, name, type FROM topics").fetchall()
        except sqlite3.DatabaseError as error:
            self._complain(f"{self.path}: {error}")
            return {}
        return {number: (name, kind) for number, name, kind in rows}

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(f"file:{self.path}?immutable=1", uri=True)
        database.execute("PRAGMA writable_schema = ON")  # opens one that was cut off, too
        return database


def decompress_file(path: Path, target: Path, complain: Complain) -> Path:
    """A file that is compressed as a whole, as far as it can be read."""
    decompressor = _zstd().ZstdDecompressor()
    with path.open("rb") as source, target.open("wb") as out:
        try:
            while not decompressor.eof and (block := source.read(_BLOCK)):
                out.write(decompressor.decompress(block))
        except Exception as error:  # the library's own, which has moved between modules
            complain(f"{path} is damaged ({error})")
    if not decompressor.eof:
        complain(f"{path} was cut off")
    return target


def unpacked(raw: bytes) -> bytes:
    """A message, decompressed if it was compressed by itself."""
    return _decompress("zstd", raw) if raw.startswith(ZSTD_MAGIC) else raw


def _decompress(name: str, data: bytes) -> bytes:
    """As much as there is."""
    if name == "zstd":
        return bytes(_zstd().ZstdDecompressor().decompress(data))
    if name == "lz4":
        import lz4.frame

        return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data))
    if name:
        raise BagError(f"compression {name} is not known")
    return data


def _zstd() -> ModuleType:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def _unpack(layout: str, content: bytes) -> tuple[Any, ...]:
    """The fields, and what follows them."""
    return (*struct.unpack_from(layout, content), content[struct.calcsize(layout) :])


def _string(content: bytes) -> tuple[str, bytes]:
    """A string, and what follows it."""
    end = 4 + int.from_bytes(content[:4], "little")
    return content[4:end].decode(errors="replace"), content[end:]
