"""Messages out of a bag, in the order of recording; of a damaged one, all that can be read."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bpnp_ros.backends.compression import decompress_file, unpacked
from bpnp_ros.backends.rosbags import RawMessage, Reader, deserialize, require
from bpnp_ros.bags.mcap_salvage import ROS_1, McapSalvage
from bpnp_ros.bags.metadata import broken_promises
from bpnp_ros.bags.sqlite_file import SqliteFile
from bpnp_ros.bags.storage import Storage
from bpnp_ros.errors import BagError

_COMPRESSED = (".zstd", ".zst")
_STORED = (".mcap", ".db3")
_ROS_1_MAGIC = b"#ROSBAG"


@dataclass(frozen=True)
class Topic:
    """kind: the type, such as sensor_msgs/msg/PointCloud2."""

    name: str
    kind: str
    count: int


@dataclass(frozen=True, eq=False)
class Recorded:
    """A message, as CDR too, and when it was recorded, nanoseconds."""

    topic: str
    log_time: int
    message: Any
    raw: bytes


class Bag:
    """A bag folder or one storage file. `problems` grows as damage is met. Raises BagError."""

    def __init__(self, path: Path) -> None:
        require()
        if not path.exists():
            raise BagError(f"there is no bag at {path}.")
        self.path = path
        self.problems: list[str] = []
        self._temporary = tempfile.TemporaryDirectory(prefix="bpnp_bag_")
        for log in path.glob("*-wal"):
            self._complain(
                f"{log} holds messages that sqlite has not merged yet; they are left out"
            )
        self._storages = [self._opened(file) for file in self._files()]
        self.topics = self._find_topics()
        if path.is_dir():
            found = sum(topic.count for topic in self.topics.values())
            for problem in broken_promises(path, found):
                self._complain(problem)
        if not self.topics:
            reasons = "\n".join(self.problems) or "it holds no .mcap or .db3 file"
            raise BagError(f"nothing in {path} can be read:\n{reasons}")

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        for storage in self._storages:
            storage.close()
        self._temporary.cleanup()

    def of_kinds(self, *kinds: str) -> list[Topic]:
        """The topics of some types that have messages, by name."""
        return [t for _, t in sorted(self.topics.items()) if t.kind in kinds and t.count]

    def first(self, topic: str) -> Any:
        """The first message of a topic; None where none can be read."""
        return next((recorded.message for recorded in self.messages([topic])), None)

    def messages(self, topics: Collection[str]) -> Iterator[Recorded]:
        """Those of some topics; what cannot be decoded is left out and reported."""
        for topic, log_time, raw in self._raw_messages(topics):
            try:
                raw = unpacked(raw)
                message = deserialize(raw, self.topics[topic].kind)
            except BagError as error:
                self._complain(f"{topic} at {log_time / 1e9:.3f} s: {error}")
                continue
            yield Recorded(topic, log_time, message, raw)

    def _raw_messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """As recorded: CDR, which may be compressed."""
        for storage in self._storages:
            seen: set[tuple[str, int]] = set()
            try:
                for message in storage.messages(topics):
                    seen.add(message[:2])
                    yield message
            except BagError as error:
                self._complain(str(error))
                salvage = McapSalvage(storage.path, self._complain)
                yield from (m for m in salvage.messages(topics) if m[:2] not in seen)

    def _opened(self, file: Path) -> Storage:
        if file.suffix == ".db3":
            return SqliteFile(file, self._complain)
        try:
            return Reader(file)
        except BagError as error:
            self._complain(str(error))
            return McapSalvage(file, self._complain)

    def _files(self) -> list[Path]:
        """The storage files of the bag, decompressed where they are compressed as a whole."""
        path = self.path
        files = [path] if path.is_file() else sorted(path.iterdir(), key=_by_number)
        return [file for file in map(self._decompressed, files) if file.suffix in _STORED]

    def _decompressed(self, file: Path) -> Path:
        _refuse_ros_1(file)
        if file.suffix not in _COMPRESSED:
            return file
        target = Path(self._temporary.name, file.stem)
        if problem := decompress_file(file, target):
            self._complain(problem)
        return target

    def _find_topics(self) -> dict[str, Topic]:
        topics: dict[str, Topic] = {}
        for storage in self._storages:
            for name, (kind, count) in storage.topics().items():
                known = topics.get(name, Topic(name, kind, 0))
                topics[name] = Topic(name, kind, known.count + count)
        return topics

    def _complain(self, problem: str) -> None:
        """Once, and the same wherever the bag lies."""
        for folder in (self._temporary.name, str(self.path.parent)):
            problem = problem.replace(f"{folder}/", "")
        if problem not in self.problems:
            self.problems.append(problem)


def _refuse_ros_1(file: Path) -> None:
    if file.is_file():
        with file.open("rb") as stream:
            if stream.read(len(_ROS_1_MAGIC)) == _ROS_1_MAGIC:
                raise BagError(f"{file} {ROS_1}.")


def _by_number(file: Path) -> tuple[int, str]:
    """bag_2.mcap before bag_10.mcap."""
    return len(file.name), file.name
