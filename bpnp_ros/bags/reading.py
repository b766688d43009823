"""Messages out of a bag, in the order of recording; of a damaged one, all that can be read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bpnp_ros.backends.rosbags import RawMessage, Reader, deserialize, require
from bpnp_ros.bags.salvage import Complain, McapSalvage, SqliteSalvage, decompress_file, unpacked
from bpnp_ros.errors import BagError

_COMPRESSED = (".zstd", ".zst")


class Storage(Protocol):
    """An intact bag, or what salvage can read of a file."""

    path: Path

    def topics(self) -> dict[str, tuple[str, int]]:
        """Type and number of messages by topic."""

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Those of some topics. Raises BagError where damage begins."""


_SALVAGES: dict[str, Callable[[Path, Complain], Storage]] = {
    ".mcap": McapSalvage,
    ".db3": SqliteSalvage,
}


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
        intact = self._intact(path)
        self._storages = [intact] if intact else list(map(self._readable, self._files(path)))
        self.topics = self._find_topics()
        if not self.topics:
            reasons = "\n".join(self.problems)
            raise BagError(f"nothing in {path} can be read:\n{reasons}")

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, *_: object) -> None:
        for storage in self._storages:
            if isinstance(storage, Reader):
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
                message = deserialize(raw, self.topics[topic].kind)
            except BagError as error:
                self._complain(f"{topic} at {log_time / 1e9:.3f} s: {error}")
                continue
            yield Recorded(topic, log_time, message, raw)

    def _raw_messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """As recorded: CDR."""
        for storage in self._storages:
            seen: set[tuple[str, int]] = set()
            try:
                for topic, log_time, raw in storage.messages(topics):
                    seen.add((topic, log_time))
                    yield topic, log_time, unpacked(raw)
            except BagError as error:
                self._complain(str(error))
                yield from self._rest(storage, topics, seen)

    def _rest(
        self, broken: Storage, topics: Collection[str], seen: set[tuple[str, int]]
    ) -> Iterator[RawMessage]:
        """What salvage finds beyond what was seen."""
        for file in self._files(broken.path):
            for message in self._salvage(file).messages(topics):
                if message[:2] not in seen:
                    yield message

    def _intact(self, path: Path) -> Storage | None:
        try:
            return Reader(path)
        except BagError as error:
            self._complain(str(error))
            return None

    def _readable(self, file: Path) -> Storage:
        return self._intact(file) or self._salvage(file)

    def _salvage(self, file: Path) -> Storage:
        return _SALVAGES[file.suffix](file, self._complain)

    def _files(self, path: Path) -> list[Path]:
        """The storage files of a bag, decompressed where they are compressed as a whole."""
        files = [path] if path.is_file() else sorted(path.iterdir(), key=_by_number)
        return [file for file in map(self._decompressed, files) if file.suffix in _SALVAGES]

    def _decompressed(self, file: Path) -> Path:
        if file.suffix not in _COMPRESSED:
            return file
        target = Path(self._temporary.name, file.stem)
        return target if target.exists() else decompress_file(file, target, self._complain)

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


def _by_number(file: Path) -> tuple[int, str]:
    """bag_2.mcap before bag_10.mcap."""
    return len(file.name), file.name
