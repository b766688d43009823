"""Make the data set `shapes` out of meshes.

python -m training.datasets.build_shapes SOURCE... --out DIR

A source is a mesh (.ply, .obj, .stl, .off), a folder of meshes, or an .npz file with point clouds
of K shapes as arrays `points...` (K, N, 3). Shapes are centred and scaled into the unit ball. Train
and test share no shape. Views are drawn while training:

    python -m training.main --dataset shapes DIR
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bpnp_ros.command import exit_status, loading

with loading():
    import numpy as np
    from numpy.typing import NDArray

    from bpnp_ros.errors import DataSetError
    from bpnp_ros.point_map.mesh_file import MESHES, read_mesh
    from bpnp_ros.point_map.npz import read_npz
    from training.datasets.shapes import split_folder, write_split

Array = NDArray[np.floating]


class Shape(NamedTuple):
    """points: (P, 3) on its surface, in the unit ball."""

    name: str
    points: Array


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    asked = _parser().parse_args(arguments)
    return exit_status(
        lambda: build(asked.sources, asked.test_sources, asked.out, asked.points, asked.seed),
        interrupted="stopped; nothing was written.",
    )


def build(
    sources: Sequence[Path], test_sources: Sequence[Path], out: Path, points: int, seed: int
) -> None:
    """Write out/shapes_train and out/shapes_test. Without test sources one shape in ten tests."""
    for split in ("train", "test"):
        if split_folder(out, split).exists():
            raise DataSetError(f"{split_folder(out, split)} is there already; name another --out.")
    rng = np.random.default_rng(seed)
    train = [shape for path in sources for shape in read_shapes(path, points, rng)]
    test = [shape for path in test_sources for shape in read_shapes(path, points, rng)]
    if not test:
        order, share = rng.permutation(len(train)), max(len(train) // 10, 1)
        train, test = [train[i] for i in order[share:]], [train[i] for i in order[:share]]
    if not train or not test:
        raise DataSetError("train and test need one shape each, at least.")
    for split, shapes in (("train", train), ("test", test)):
        fewest = min(len(shape.points) for shape in shapes)
        cloud = np.stack([shape.points[:fewest] for shape in shapes]).astype(np.float32)
        write_split(out, split, cloud, [shape.name for shape in shapes])
        print(f"{split_folder(out, split)}: {len(cloud)} shapes of {fewest} points")


def read_shapes(path: Path, points: int, rng: np.random.Generator) -> Iterator[Shape]:
    """Shapes of a source with at most `points` points each, in random order. Raises BpnpError."""
    if path.suffix == ".npz":
        yield from _clouds(path, points, rng)
        return
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in MESHES)
    if not files and not path.is_file():
        raise DataSetError(f"{path} holds no mesh ({', '.join(sorted(MESHES))}).")
    for file in files or [path]:
        vertices, triangles = read_mesh(file)
        yield Shape(file.stem, _in_unit_ball(surface_points(vertices, triangles, points, rng)))


def surface_points(
    vertices: Array, triangles: NDArray[np.integer], count: int, rng: np.random.Generator
) -> Array:
    """Points (count, 3) spread evenly over the area of a mesh."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    if not area.sum() > 0:
        raise DataSetError("a mesh without any area has no surface points.")
    row = rng.choice(len(triangles), count, p=area / area.sum())
    u, v = rng.random((2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    spread: Array = a[row] + u * (b - a)[row] + v * (c - a)[row]
    return spread


def _clouds(path: Path, points: int, rng: np.random.Generator) -> Iterator[Shape]:
    arrays = read_npz(path)
    clouds = [a for name, a in arrays.items() if name.startswith("points") and a.ndim == 3]
    if not clouds or any(cloud.shape[2] != 3 or cloud.shape[1] == 0 for cloud in clouds):
        raise DataSetError(f"{path} has no array `points...` of shape (K, N, 3).")
    for cloud in clouds:
        for i, shape in enumerate(cloud):
            chosen = rng.permutation(len(shape))[:points]
            yield Shape(f"{path.stem}_{i}", _in_unit_ball(shape[chosen].astype(np.float64)))


def _in_unit_ball(points: Array) -> Array:
    centred = points - (points.min(axis=0) + points.max(axis=0)) / 2
    scaled: Array = centred / max(np.linalg.norm(centred, axis=1).max(), 1e-9)
    return scaled


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.datasets.build_shapes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sources", type=Path, nargs="+", metavar="SOURCE")
    parser.add_argument("--test-sources", type=Path, nargs="+", default=[], metavar="SOURCE")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--points", type=int, default=2048, help="points of a shape, at most")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
