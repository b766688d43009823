"""The messages in a .db3 file; of one that was cut off or damaged, the rows that can be reached."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import quote

from bpnp_ros.backends.rosbags import RawMessage
from bpnp_ros.bags.storage import Complain

Row = tuple[int, int, int, bytes]
"""Number, topic, time, content."""

LARGEST_HOLE = 1 << 20  # rows
COUNT = "SELECT topic_id, count(*) FROM messages GROUP BY topic_id"
ROWS = "SELECT id, topic_id, timestamp, data FROM messages"


class SqliteFile:
    """Whatever the damage, reading ends: no row is taken twice, no count outlasts the file."""

    def __init__(self, path: Path, complain: Complain) -> None:
        self.path, self._complain = path, complain

    def close(self) -> None:
        """Nothing stays open."""

    def topics(self) -> dict[str, tuple[str, int]]:
        """Type and number of messages by topic; where damage begins, of the readable ones."""
        topics = self._topics()
        found: dict[str, tuple[str, int]] = {}
        counts = self._counts() if topics else Counter[int]()
        for number, (name, kind) in topics.items():
            found[name] = (kind, found.get(name, ("", 0))[1] + counts[number])
        return found

    def messages(self, topics: Collection[str]) -> Iterator[RawMessage]:
        """Those of some topics in the order of recording; behind damage, in that of writing."""
        names = {number: name for number, (name, _) in self._topics().items() if name in topics}
        for _, topic, log_time, raw in self._rows() if names else ():
            if topic in names:
                yield names[topic], log_time, raw

    def _topics(self) -> dict[int, tuple[str, str]]:
        try:
            rows = self._connect().execute("SELECT id, name, type FROM topics").fetchall()
        except sqlite3.DatabaseError as error:
            self._complain(f"{self.path}: {error}")
            return {}
        return {row[0]: (row[1], row[2]) for row in rows if _are(row, int, str, str)}

    def _counts(self) -> Counter[int]:
        database = self._connect()
        enough = 1_000_000 + self.path.stat().st_size  # steps of sqlite, far above one a byte
        database.set_progress_handler(lambda: 1, enough)
        try:
            return Counter(dict(database.execute(COUNT).fetchall()))
        except sqlite3.DatabaseError:
            return Counter(topic for _, topic, _, _ in self._rows())

    def _rows(self) -> Iterator[Row]:
        seen: set[int] = set()
        try:
            for row in self._sound(self._connect().execute(f"{ROWS} ORDER BY timestamp, id")):
                if row[0] in seen:
                    raise sqlite3.DatabaseError("rows come twice")
                seen.add(row[0])
                yield row
        except sqlite3.DatabaseError as error:
            self._complain(f"{self.path}: messages are missing ({error})")
            yield from (row for row in self._past_damage() if row[0] not in seen)

    def _past_damage(self) -> Iterator[Row]:
        """Past a row that cannot be read goes on with a later one, in strides that double."""
        last, stride = 0, 1
        while stride < LARGEST_HOLE:
            try:
                query = f"{ROWS} NOT INDEXED WHERE id > ? ORDER BY id"
                for row in self._sound(self._connect().execute(query, (last,))):
                    if row[0] <= last:
                        raise sqlite3.DatabaseError("rows lead back")
                    last, stride = row[0], 1
                    yield row
                return
            except (sqlite3.DatabaseError, OverflowError):  # beyond the largest number of a row
                last, stride = last + stride, 2 * stride

    def _sound(self, rows: sqlite3.Cursor) -> Iterator[Row]:
        for row in rows:
            if _are(row, int, int, int, bytes):
                yield row
            else:
                self._complain(f"{self.path}: rows that are no messages are left out")

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(f"file:{quote(str(self.path))}?immutable=1", uri=True)
        database.execute("PRAGMA writable_schema = ON")  # opens one that was cut off, too
        return database


def _are(row: tuple[object, ...], *kinds: type) -> bool:
    return all(isinstance(value, kind) for value, kind in zip(row, kinds, strict=True))
