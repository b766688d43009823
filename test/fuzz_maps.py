"""Map and mesh files with damage, from a seed: bytes changed, cut off, header words swapped.

`python test/fuzz_maps.py 5000 7` tries 5,000 files with seed 7, and prints what went wrong.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from map_files import pcd, ply

from bpnp_ros.errors import MapError
from bpnp_ros.point_map.loading import load_map
from bpnp_ros.point_map.mesh_file import read_mesh

_N = 30
_XYZ = np.random.default_rng(0).uniform(-5, 5, (_N, 3)).astype(np.float32)
_COLUMNS = [(axis, "F4", 1, _XYZ[:, at]) for at, axis in enumerate("xyz")]
_FIELDS = [*_COLUMNS, ("_", "U1", 4, None), ("rgb", "U4", 1, None), ("label", "I2", 1, None)]
_PROPERTIES = ["float x", "float y", "float z", "uchar red", "list uchar int view"]
_ROWS = [(*row, 7, [1] * (at % 3)) for at, row in enumerate(_XYZ.tolist())]
_FACES = ("face", ["list uchar int vertex_indices"], [([0, 1, 2],), ([3, 4, 5, 6],)])
_ODD_WORDS = b"0 -1 4 999999999999 1e9 nan x y list float uchar binary ascii DATA".split()


def _npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, points=_XYZ, label=np.arange(_N))
    return file.getvalue()


def whole_files() -> dict[str, bytes]:
    """One file, or more, of each format that needs no further library."""
    text = "".join(f"{x},{y},{z},3\n" for x, y, z in _XYZ.tolist())
    files = {f"{data}.pcd": pcd(_FIELDS, _N, data) for data in ("ascii", "binary")}
    files["packed.pcd"] = pcd(_FIELDS, _N, "binary_compressed")
    for form in ("ascii", "binary_little_endian", "binary_big_endian"):
        files[f"{form}.ply"] = ply([("vertex", _PROPERTIES, _ROWS), _FACES], form)
        files[f"{form}_last.ply"] = ply([_FACES, ("vertex", _PROPERTIES[:4], _shortened())], form)
    return {**files, "text.csv": b"x,y,z,label\n" + text.encode(), "arrays.npz": _npz()}


def _shortened() -> list[tuple]:
    return [row[:4] for row in _ROWS]


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """One to three kinds of damage, at random."""
    for _ in range(rng.integers(1, 4)):
        kind, at = rng.integers(5), int(rng.integers(max(len(content), 1)))
        if kind == 0:
            content = content[:at] + rng.bytes(1) + content[at + 1 :]
        elif kind == 1:
            content = content[:at]
        elif kind == 2:
            content = content[:at] + content[at + int(rng.integers(1, 20)) :]
        else:
            content = _with_other_word(content, rng)
    return content


def _with_other_word(content: bytes, rng: np.random.Generator) -> bytes:
    words = content[:400].split(b" ")
    words[rng.integers(len(words))] = _ODD_WORDS[rng.integers(len(_ODD_WORDS))]
    return b" ".join(words) + content[400:]


def failures(count: int, seed: int, folder: Path) -> Iterator[str]:
    """Of `count` damaged files, those that neither gave a valid map nor a MapError."""
    rng, files = np.random.default_rng(seed), list(whole_files().items())
    for number in range(count):
        name, content = files[rng.integers(len(files))]
        path = folder / name
        path.write_bytes(damage(content, rng))
        try:
            read_mesh(path) if path.suffix == ".ply" and number % 2 else _check(path)
        except MapError as error:
            if len(str(error)) > 500:
                yield f"{number} ({name}): a message of {len(str(error))} letters"
        except Exception as error:
            yield f"{number} ({name}): {type(error).__name__}: {error}"


def _check(path: Path) -> None:
    point_map = load_map(path)
    assert np.isfinite(point_map.points).all() and len(point_map) <= _N
    assert all(len(cue) == len(point_map) for cue in point_map.cues.values())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        found = list(failures(int(sys.argv[1]), int(sys.argv[2]), Path(scratch)))
    print("\n".join(found) or "nothing went wrong")
    sys.exit(bool(found))
