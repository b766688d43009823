"""Read pickles of arrays and plain containers without running anything that they ask for.

A pickle may call whatever it names. Here a name is looked up in a short table, and each stands
for a function of this file that builds an array from bytes, so that not even NumPy's own
reconstruction, which can be led to read foreign memory, is within reach.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.errors import DataSetError

_KINDS = "biufcSU"  # numbers and text; an array of objects would hold anything


def load_pickle(path: Path) -> Any:
    """Lists, tuples, dicts, numbers, text and arrays out of a pickle, also one of Python 2.

    Raises DataSetError for a file that is missing or damaged, or that names anything else.
    """
    if not path.is_file():
        raise DataSetError(f"There is no {path}; check the folder.")
    try:
        with path.open("rb") as file:
            return _finished(_ArrayUnpickler(file, encoding="latin1").load())
    except _ForeignNameError as error:
        raise DataSetError(
            f"{path} asks for '{error}' while it is read and is refused: a data set "
            "holds arrays and plain containers only. Do not open it with anything else."
        ) from error
    except Exception as error:  # a damaged pickle can raise anything
        raise DataSetError(f"{path} is damaged or no pickle of arrays ({error}).") from error


class _ForeignNameError(Exception):
    """A pickle named what is neither an array nor a plain container."""


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        package = "numpy" if module.split(".")[0] == "numpy" else module
        if (package, name) not in _STAND_INS:
            raise _ForeignNameError(f"{module}.{name}")
        return _STAND_INS[package, name]


class _Kind:
    """Stands for a dtype: its code, and its byte order once the state is known."""

    def __init__(self, code: str, *unused: object) -> None:
        self.dtype = np.dtype(str(code))
        if self.dtype.kind not in _KINDS:
            raise _ForeignNameError(f"numpy.dtype('{code}')")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stands for an array, which it holds once its state is known."""

    def __init__(self, *unused: object) -> None:
        self.array: NDArray[Any] = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, raw = state
        self.array = _from_buffer(raw, kind, shape, "F" if fortran else "C").array


def _from_buffer(raw: Any, kind: _Kind, shape: tuple[int, ...], order: Any = "C") -> _Array:
    data = raw.encode("latin1") if isinstance(raw, str) else bytes(raw)
    result = _Array()
    result.array = np.ndarray(shape, kind.dtype, data, order=order)
    return result


def _scalar(kind: _Kind, raw: Any) -> Any:
    return _from_buffer(raw, kind, ()).array[()]


def _bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise _ForeignNameError(f"the encoding {encoding}")
    return text.encode("latin1")


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy", "_reconstruct"): _Array,
    ("numpy", "_frombuffer"): _from_buffer,
    ("numpy", "ndarray"): "numpy.ndarray",  # an argument of _reconstruct; never called
    ("numpy", "dtype"): _Kind,
    ("numpy", "scalar"): _scalar,
    ("_codecs", "encode"): _bytes,
    ("__builtin__", "bytes"): lambda: b"",  # so an empty array says it has no bytes
    ("collections", "OrderedDict"): OrderedDict,
}


def _finished(value: Any) -> Any:
    """The same containers with arrays instead of what stands for them."""
    if isinstance(value, _Array):
        return value.array
    if isinstance(value, dict):
        return {_finished(key): _finished(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_finished(entry) for entry in value)
    return value
