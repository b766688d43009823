"""Bags are read in every storage and compression; of damaged ones, all that is still there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from bpnp_ros.backends import rosbags
from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.bags.reading import Bag
from bpnp_ros.bags.salvage import ZSTD_MAGIC
from bpnp_ros.errors import BagError

COUNT = 60
RNG = np.random.default_rng(0)


def write_bag(
    path: Path, storage: str = "mcap", compression: str = "none", keypoints: int = 1000
) -> Path:
    """Keypoints at 10 Hz beside a latched map."""
    with Writer(path, storage, compression) as bag:
        bag.add_topic("/map", messages.MAP, latched=True)
        bag.add_topic("/keypoints", messages.KEYPOINTS)
        xyz = dict(zip("xyz", RNG.normal(size=(3, 500)).astype(np.float32), strict=True))
        bag.write("/map", 1, messages.cloud(messages.header(1, "map"), xyz))
        for number in range(COUNT):
            u, v = RNG.uniform(0, 400, (2, keypoints)).astype(np.float32)
            cloud = messages.cloud(messages.header(number, "camera"), {"u": u, "v": v})
            bag.write("/keypoints", number * 100_000_000 + 2, cloud)
    return path


def storage_file(bag: Path) -> Path:
    return next(file for file in bag.iterdir() if file.suffix != ".yaml")


def numbers(bag: Bag) -> list[int]:
    return [recorded.message.header.stamp.nanosec for recorded in bag.messages(["/keypoints"])]


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
@pytest.mark.parametrize("compression", ["none", "message", "file"])
def test_every_storage_and_compression_gives_back_what_was_written(
    tmp_path: Path, storage: str, compression: str
) -> None:
    with Bag(write_bag(tmp_path / "bag", storage, compression)) as bag:
        assert numbers(bag) == list(range(COUNT))
        assert bag.topics["/map"].count == 1 and bag.topics["/keypoints"].count == COUNT
        assert bag.problems == []


def test_the_chunks_of_an_mcap_may_be_compressed(tmp_path: Path) -> None:
    with Bag(write_bag(tmp_path / "bag", "mcap", "storage")) as bag:
        assert numbers(bag) == list(range(COUNT)) and bag.problems == []


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
@pytest.mark.parametrize("compression", ["none", "message", "file"])
def test_of_a_file_that_was_cut_off_the_part_before_the_cut_is_read(
    tmp_path: Path, storage: str, compression: str
) -> None:
    path = write_bag(tmp_path / "bag", storage, compression)
    file = storage_file(path)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])
    with Bag(path) as bag:
        found = numbers(bag)
        assert COUNT // 3 < len(found) < COUNT and found == list(range(len(found)))
        assert any(file.stem.split(".")[0] in problem for problem in bag.problems)
        assert not any(str(tmp_path) in problem for problem in bag.problems)


def test_a_bag_without_its_metadata_is_read_from_its_files(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", "sqlite3", "message")
    (path / "metadata.yaml").unlink()
    with Bag(path) as bag:
        assert numbers(bag) == list(range(COUNT))
        assert "metadata" in bag.problems[0]


def test_messages_that_sqlite_has_not_merged_are_named(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", "sqlite3")
    (path / "bag.db3-wal").write_bytes(b"messages")
    with Bag(path) as bag:
        assert numbers(bag) == list(range(COUNT)) and "bag.db3-wal" in bag.problems[0]


def test_a_storage_file_alone_is_a_bag(tmp_path: Path) -> None:
    with Bag(storage_file(write_bag(tmp_path / "bag", "mcap"))) as bag:
        assert numbers(bag) == list(range(COUNT)) and bag.problems == []


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_a_hole_in_the_middle_costs_only_what_was_in_it(tmp_path: Path, storage: str) -> None:
    compression = {"sqlite3": "none", "mcap": "storage"}[storage]
    path = write_bag(tmp_path / "bag", storage, compression, keypoints=9000)
    file = storage_file(path)
    content = bytearray(file.read_bytes())
    hole = content.index(ZSTD_MAGIC, len(content) // 3) if storage == "mcap" else len(content) // 2
    content[hole : hole + 4096] = b"\xff" * 4096
    file.write_bytes(content)
    with Bag(path) as bag:
        found = set(numbers(bag))
        assert found < set(range(COUNT)) and {0, COUNT - 1} < found
        assert any(file.name in problem for problem in bag.problems)


def test_a_message_that_cannot_be_decoded_is_left_out_and_named(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", "mcap")
    file = storage_file(path)
    content = file.read_bytes()
    first = content.index(b"camera")
    file.write_bytes(content[: first - 4] + b"\xff\xff\xff\x7f" + content[first:])
    with Bag(path) as bag:
        assert numbers(bag) == list(range(1, COUNT))
        assert "/keypoints" in bag.problems[0]


def test_what_is_no_bag_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="no bag at"):
        Bag(tmp_path / "missing")
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with pytest.raises(BagError, match="can be read"):
        Bag(text)
    empty = tmp_path / "empty.mcap"
    empty.touch()
    with pytest.raises(BagError, match=r"empty\.mcap"):
        Bag(empty)


def test_without_rosbags_there_is_one_line_of_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_bag(tmp_path / "bag")
    rosbags._types.cache_clear()
    monkeypatch.setitem(sys.modules, "rosbags.typesys", None)
    with pytest.raises(BagError, match="pip install"):
        Bag(path)
