"""Bags are read in every storage and compression; of damaged ones, all that is still there."""

from __future__ import annotations

import sqlite3
import struct
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")

from shared_data import SHARED

from bpnp_ros.backends import rosbags
from bpnp_ros.backends.compression import MOST_UNPACKED, ZSTD_MAGIC, _zstd
from bpnp_ros.backends.rosbags import Writer
from bpnp_ros.bags import messages
from bpnp_ros.bags.reading import Bag
from bpnp_ros.errors import BagError

COUNT = 60
RNG = np.random.default_rng(0)
zstd = _zstd()


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


def rewrite_metadata(bag: Path, old: str, new: str) -> None:
    file = bag / "metadata.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_metadata_that_was_edited_hides_no_message(tmp_path: Path, storage: str) -> None:
    path = write_bag(tmp_path / "bag", storage)
    about = yaml.safe_load((path / "metadata.yaml").read_text())
    for topic in about["rosbag2_bagfile_information"]["topics_with_message_count"]:
        topic["topic_metadata"] |= {"offered_qos_profiles": "", "type_description_hash": "RIHS01_0"}
    (path / "metadata.yaml").write_text(yaml.safe_dump(about))
    with Bag(path) as bag:
        assert numbers(bag) == list(range(COUNT)) and bag.problems == []


def test_messages_and_files_that_metadata_promises_and_nobody_finds_are_named(
    tmp_path: Path,
) -> None:
    path = write_bag(tmp_path / "bag")
    rewrite_metadata(path, "message_count: 61", "message_count: 99")
    rewrite_metadata(path, "- bag.mcap", "- bag.mcap\n  - bag_1.mcap")
    with Bag(path) as bag:
        assert numbers(bag) == list(range(COUNT))
    assert any("promises 99 messages, 61 are there" in problem for problem in bag.problems)
    assert any("bag_1.mcap, which is not there" in problem for problem in bag.problems)


@pytest.mark.parametrize(
    "text", ["", "[", "a: b", "rosbag2_bagfile_information: 7", "[" * 5000, "\x00"]
)
def test_metadata_without_sense_hides_no_message(tmp_path: Path, text: str) -> None:
    path = write_bag(tmp_path / "bag")
    (path / "metadata.yaml").write_text(text)
    with Bag(path) as bag:
        assert numbers(bag) == list(range(COUNT)) and "makes no sense" in bag.problems[0]


@pytest.mark.parametrize("column", ["data", "timestamp", "topic_id"])
@pytest.mark.parametrize("value", ["NULL", "'text'", "1e300", "99999999999"])
def test_rows_of_a_database_that_are_no_messages_are_left_out(
    tmp_path: Path, column: str, value: str
) -> None:
    path = write_bag(tmp_path / "bag", "sqlite3")
    with sqlite3.connect(storage_file(path)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '')")
    with sqlite3.connect(storage_file(path)) as database:
        database.execute(f"UPDATE messages SET {column} = {value} WHERE id % 2 = 0")
    with Bag(path) as bag:
        found = numbers(bag)
        assert set(range(1, COUNT, 2)) <= set(found) and len(found) == len(set(found))


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
@pytest.mark.parametrize("compression", ["none", "message", "file"])
def test_damage_anywhere_ends_in_messages_or_a_sentence_and_soon(
    tmp_path: Path, storage: str, compression: str
) -> None:
    path = write_bag(tmp_path / "bag", storage, compression, keypoints=100)
    file = storage_file(path)
    whole, rng = file.read_bytes(), np.random.default_rng(1)
    for _ in range(40):
        content = np.frombuffer(whole[: rng.integers(1, len(whole) + 1)], np.uint8).copy()
        content[rng.integers(0, len(content), rng.integers(0, 9))] = rng.integers(256)
        file.write_bytes(content.tobytes())
        start = time.monotonic()
        try:
            with Bag(path) as bag:
                found = numbers(bag)
                assert len(found) <= COUNT
        except BagError:
            pass
        assert time.monotonic() - start < 10


def test_a_database_whose_pages_lead_in_a_circle_is_read_once(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", "sqlite3", keypoints=20)
    content = bytearray(storage_file(path).read_bytes())
    size = int.from_bytes(content[16:18], "big")
    interior = next(at for at in range(size, len(content), size) if content[at] == 5)
    cells = int.from_bytes(content[interior + 3 : interior + 5], "big")
    pointers = interior + 12
    first = interior + int.from_bytes(content[pointers : pointers + 2], "big")
    for cell in range(cells):  # every child is the first one
        at = interior + int.from_bytes(
            content[pointers + 2 * cell : pointers + 2 * cell + 2], "big"
        )
        content[at : at + 4] = content[first : first + 4]
    storage_file(path).write_bytes(content)
    with Bag(path) as bag:
        found = numbers(bag)
        assert len(found) == len(set(found)) < COUNT


def zeros(size: int) -> bytes:
    return zstd.compress(bytes(size))


def test_a_file_that_unpacks_to_far_too_much_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bag.db3.zstd"
    bomb.write_bytes(zeros(MOST_UNPACKED + 1))
    with pytest.raises(BagError, match="unpacks to more than 100 times its size"):
        Bag(bomb)


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_a_message_that_unpacks_to_far_too_much_is_left_out(
    tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bag"
    with Writer(path, storage) as bag:
        bag.add_topic("/keypoints", messages.KEYPOINTS)
        bag._writer.write(bag._connections["/keypoints"], 1, zeros(MOST_UNPACKED + 1))
    with Bag(path) as bag:
        assert numbers(bag) == []
        assert "unpack to more than 256 MiB" in bag.problems[0]


@pytest.mark.parametrize("name", ["zstd", "lz4"])
def test_a_chunk_that_unpacks_to_far_too_much_is_left_out(tmp_path: Path, name: str) -> None:
    compress = zstd.compress if name == "zstd" else pytest.importorskip("lz4.frame").compress
    path = write_bag(tmp_path / "bag", "mcap", "storage")
    file = storage_file(path)
    content = file.read_bytes()
    bomb = compress(bytes(MOST_UNPACKED + 1))
    chunk = struct.pack("<QQQII", 0, 9, MOST_UNPACKED + 1, 0, len(name)) + name.encode()
    chunk += struct.pack("<Q", len(bomb)) + bomb
    header = 8 + 9 + int.from_bytes(content[9:17], "little")
    record = b"\x06" + struct.pack("<Q", len(chunk)) + chunk
    file.write_bytes(content[:header] + record + content[header:])
    with Bag(path) as bag:
        assert numbers(bag) == list(range(COUNT))
        assert any("unpack to more than 256 MiB" in problem for problem in bag.problems)


def test_recordings_of_ros_1_are_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    path = write_bag(tmp_path / "bag")
    content = storage_file(path).read_bytes()
    for number, (new, old) in enumerate([(b"ros2msg", b"ros1msg"), (b"ros2", b"ros1")]):
        file = tmp_path / f"{number}.mcap"
        file.write_bytes(content.replace(new, old))
    for name in ("old.bag", "0.mcap", "1.mcap"):
        with pytest.raises(BagError, match=f"{name} holds messages of ROS 1.*rosbags-convert"):
            Bag(tmp_path / name)


@pytest.mark.parametrize("case", sorted((SHARED.parent / "cases" / "damaged").glob("bag_*")))
def test_damaged_bags_of_others_are_read_as_far_as_they_go(case: Path) -> None:
    try:
        with Bag(case) as bag:
            assert sum(1 for _ in bag.messages(list(bag.topics)))
            assert bag.problems
    except BagError as error:
        assert "unpacks to more than" in str(error)


def test_without_rosbags_there_is_one_line_of_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_bag(tmp_path / "bag")
    rosbags._types.cache_clear()
    monkeypatch.setitem(sys.modules, "rosbags.typesys", None)
    with pytest.raises(BagError, match="pip install"):
        Bag(path)
