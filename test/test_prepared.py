"""What was prepared at one start serves the next, and can never spoil it."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from rooms import CAMERA, CONFIG, fresh_views, rooms

from bpnp_ros import prepared as module
from bpnp_ros.localizer.localizer import Localizer
from bpnp_ros.localizer.proposers.views.view_bank import ViewBank, build_view_bank
from bpnp_ros.localizer.types import Fix
from bpnp_ros.map_model.map_model import MapModel
from bpnp_ros.prepared import Tensors, cache_folder, prepared

FRUSTUM = CAMERA.frustum()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BPNP_ROS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def bank(views: int = 500, clutter: float = 0.5) -> ViewBank:
    return build_view_bank(rooms(), FRUSTUM, views, clutter)


def making(**tensors: torch.Tensor) -> Mock:
    return Mock(side_effect=lambda: dict(tensors or {"x": torch.arange(5.0)}))


def test_a_kept_bank_equals_a_new_one_to_the_bit(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, kept = bank(), bank()
    monkeypatch.setenv("BPNP_ROS_CACHE", "")
    new = bank()
    for other in (first, kept):
        assert torch.equal(other.T_map_camera, new.T_map_camera)
        assert torch.equal(other.log_ratio, new.log_ratio)
    assert len(list(cache.iterdir())) == 1


def test_poses_are_the_same_to_the_bit_with_and_without_what_was_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = fresh_views(1, seed=4)[0]

    def pose() -> torch.Tensor:
        model = MapModel(rooms().point_map, rooms().view_space)
        answer = Localizer(model, None, replace(CONFIG, bank_views=2000)).localize(view.keypoints)
        assert isinstance(answer, Fix)
        return torch.from_numpy(answer.T_map_camera)

    first, kept = pose(), pose()
    monkeypatch.setenv("BPNP_ROS_CACHE", "")
    assert torch.equal(first, kept)
    assert torch.equal(kept, pose())
    assert {path.name.split("_")[0] for path in cache.iterdir()} == {"aliases", "panoramas"}


def test_whatever_changes_the_result_is_prepared_anew(cache: Path) -> None:
    bank(), bank(views=501), bank(clutter=0.4)
    build_view_bank(rooms(), replace(FRUSTUM, x_max=FRUSTUM.x_max + 1e-9), 500, 0.5)
    space = replace(rooms().places, reach=rooms().places.reach * 1.001)
    build_view_bank(MapModel(rooms().point_map, space), FRUSTUM, 500, 0.5)
    assert len(list(cache.iterdir())) == 5


def test_prepared_once_it_is_not_made_again(cache: Path) -> None:
    make = making(x=torch.arange(5.0), none=torch.zeros(0, 4, 4))
    first = prepared("thing", (1, "a"), make)
    again = prepared("thing", (1, "a"), make)
    assert make.call_count == 1
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("at", [0, 7, 40, -40, -1])
def test_a_file_with_a_wrong_byte_is_made_anew(cache: Path, at: int) -> None:
    right = prepared("thing", (), making())["x"]
    (file,) = cache.iterdir()
    damaged = bytearray(file.read_bytes())
    damaged[at] ^= 0x55
    file.write_bytes(damaged)
    assert torch.equal(prepared("thing", (), making())["x"], right)


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 100, "cut off", "another's", "a folder"])
def test_a_foreign_or_cut_off_file_is_made_anew(cache: Path, content: bytes | str) -> None:
    prepared("thing", (), making())
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    if content == "another's":
        prepared("thing", (2,), making(x=torch.zeros(9)))
        (other,) = set(cache.iterdir()) - {file}
        whole, content = other.read_bytes(), other.read_bytes()
    file.unlink()
    if content == "a folder":
        file.mkdir()
    else:
        file.write_bytes(whole[:-3] if isinstance(content, str) else content)
    assert torch.equal(prepared("thing", (), making())["x"], torch.arange(5.0))


def test_where_nothing_can_be_written_it_is_prepared_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("BPNP_ROS_CACHE", str(tmp_path / "file" / "cache"))
    assert torch.equal(prepared("thing", (), making())["x"], torch.arange(5.0))


def test_an_interrupted_preparation_keeps_nothing(cache: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepared("thing", (), Mock(side_effect=KeyboardInterrupt))
    assert not cache.exists()


def test_the_oldest_are_dropped_beyond_a_number_and_a_size(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 3)
    for number in range(6):
        prepared("thing", (number,), making())
        for file in cache.iterdir():
            os.utime(file, (0, file.stat().st_mtime - 10))
    assert len(list(cache.iterdir())) == 3
    used = making()
    prepared("thing", (5,), used)
    assert used.call_count == 0
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    prepared("thing", (7,), making())
    assert sum(file.stat().st_size for file in cache.iterdir()) <= 1000
    prepared("thing", ("large",), making(x=torch.zeros(5000)))
    assert sum(file.stat().st_size for file in cache.iterdir()) <= 1000


def test_several_that_prepare_at_once_do_not_disturb_each_other(cache: Path) -> None:
    right, wrong = torch.arange(50_000.0), []

    def make() -> Tensors:
        time.sleep(0.001)
        return {"x": right}

    def start(_: int) -> None:
        for number in range(20):
            if not torch.equal(prepared("thing", (number,), make)["x"], right):
                wrong.append(number)

    threads = [threading.Thread(target=start, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_folder_is_the_one_of_the_system_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_folder() is None
    monkeypatch.delenv("BPNP_ROS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "bpnp_ros"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "bpnp_ros"
