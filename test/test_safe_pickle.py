"""Data sets come as pickles from strangers; nothing in them is run."""

from __future__ import annotations

import collections
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpnp_ros.errors import DataSetError
from training.datasets.safe_pickle import load_pickle

ARRAYS = [
    np.arange(12.0).reshape(3, 4),
    np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
    np.arange(3, dtype=">f4"),
    np.array(5),
    np.zeros((0, 2)),
    np.array([True, False]),
    np.array(["scene", "à"]),
]
PYTHON_2 = (  # numpy.array([1.5, -2.0]) and the text "a", as Python 2 and NumPy 1 wrote them
    b"\x80\x02]q\x01(cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85"
    b"U\x01b\x87Rq\x04(K\x01K\x02\x85cnumpy\ndtype\nq\x05U\x02f8K\x00K\x01\x87Rq\x06(K\x03U\x01<NNN"
    b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10" + struct.pack("<2d", 1.5, -2.0) + b"tb"
    b"U\x01ae."
)


class Malicious:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


def dumped(folder: Path, content: Any, protocol: int = 4) -> Path:
    path = folder / "p2d.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}")
def test_arrays_come_back_equal(tmp_path: Path, array: np.ndarray, protocol: int) -> None:
    read = load_pickle(dumped(tmp_path, {0: array, 1: [array, (array,)]}, protocol))
    for copy in (read[0], read[1][0], read[1][1][0]):
        np.testing.assert_array_equal(copy, array)
        assert copy.dtype == array.dtype and copy.shape == array.shape


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_containers_come_back_equal(tmp_path: Path, protocol: int) -> None:
    content = {"train": ["a.npz"], "n": (1, 2.5, None, True, b"x"), "s": np.float32(2.5)}
    assert load_pickle(dumped(tmp_path, content, protocol)) == content
    ordered = collections.OrderedDict(a=1)
    assert load_pickle(dumped(tmp_path, ordered, protocol)) == ordered


def test_what_python_2_wrote_is_read(tmp_path: Path) -> None:
    array, text = load_pickle(dumped(tmp_path, PYTHON_2))
    np.testing.assert_array_equal(array, [1.5, -2.0])
    assert text == "a"


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_runs_code_is_refused_by_name(tmp_path: Path, protocol: int) -> None:
    trace = tmp_path / "was_here"
    path = dumped(tmp_path, [np.zeros(3), Malicious(trace)], protocol)
    with pytest.raises(DataSetError, match=r"p2d\.pkl asks for 'posix.mkdir'.*refused"):
        load_pickle(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("program", "named"),
    [
        (b"cnumpy\nload\n(S'x'\ntR.", "numpy.load"),
        (b"cnumpy.testing._private.utils\nrunstring\n.", "runstring"),
        (b"cbuiltins\neval\n.", "builtins.eval"),
        (b"c_codecs\nencode\n(S'x'\nS'rot13'\ntR.", "rot13"),
        (b"cnumpy\ndtype\n(S'O'\ntR.", "numpy.dtype"),
    ],
)
def test_what_is_neither_array_nor_container_is_refused_by_name(
    tmp_path: Path, program: bytes, named: str
) -> None:
    with pytest.raises(DataSetError, match=named):
        load_pickle(dumped(tmp_path, program))


def test_an_array_cannot_be_called_into_being_from_raw_pointers(tmp_path: Path) -> None:
    """numpy.ndarray((1,), 'O', bytes) would make an object out of any address."""
    program = b"cnumpy\nndarray\n((I1\ntS'O'\nS'AAAAAAAA'\ntR."
    with pytest.raises(DataSetError):
        load_pickle(dumped(tmp_path, program))


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="dtype"):
        load_pickle(dumped(tmp_path, np.array([None, 1], dtype=object)))


def test_an_array_larger_than_its_bytes_is_refused(tmp_path: Path) -> None:
    content = pickle.dumps(np.zeros(4, np.uint8), 2).replace(b"K\x04\x85", b"K\x63\x85")
    with pytest.raises(DataSetError, match="damaged"):
        load_pickle(dumped(tmp_path, content))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    whole = pickle.dumps([np.zeros(100)])
    with pytest.raises(DataSetError, match="damaged"):
        load_pickle(dumped(tmp_path, whole[: int(share * len(whole))]))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match=r"R_gt\.pkl"):
        load_pickle(tmp_path / "R_gt.pkl")


def test_a_list_that_holds_itself_is_refused(tmp_path: Path) -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(DataSetError, match="damaged"):
        load_pickle(dumped(tmp_path, endless))
