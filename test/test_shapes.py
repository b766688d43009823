"""Meshes and point clouds become a data set of virtual views."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bpnp_ros.command import COULD_NOT_RUN
from training.datasets.build_shapes import main, surface_points
from training.datasets.shapes import ShapeViews
from training.datasets.words import open_set

CUBE = np.array([[x, y, z] for x in (0, 2) for y in (0, 2) for z in (0, 2)], float)
BOTTOM = np.array([[0, 2, 6], [0, 6, 4]])  # z = 0; then a sliver of the side y = 0
SLIVER = np.array([[0, 4, 1]])


def write_off(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{x} {y} {z}" for x, y, z in CUBE]
    faces = [f"3 {a} {b} {c}" for a, b, c in BOTTOM]
    path.write_text("\n".join(["OFF", f"{len(rows)} {len(faces)} 0", *rows, *faces]) + "\n")


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    points = np.random.default_rng(0).standard_normal((20, 1200, 3)).astype(np.float16)
    np.savez(tmp_path / "clouds.npz", points_1200=points, names=np.arange(20))
    return tmp_path / "clouds.npz"


def test_surface_points_spread_evenly_over_the_area() -> None:
    rng = np.random.default_rng(0)
    points = surface_points(CUBE, np.concatenate([BOTTOM, SLIVER]), 4000, rng)
    bottom = points[points[:, 2] == 0]
    assert len(bottom) / len(points) == pytest.approx(2 / 3, abs=0.03)
    counts, *_ = np.histogram2d(bottom[:, 0], bottom[:, 1], bins=2, range=[[0, 2], [0, 2]])
    assert counts.min() / counts.max() > 0.85


def test_meshes_of_a_folder_become_a_set(tmp_path: Path) -> None:
    for name in ("train/a.off", "train/deep/b.off", "test/c.off"):
        write_off(tmp_path / name)
    sources = [str(tmp_path / "train"), "--test-sources", str(tmp_path / "test" / "c.off")]
    assert main([*sources, "--out", str(tmp_path), "--points", "50"]) == 0
    shapes = open_set(tmp_path, "shapes", "train")
    assert isinstance(shapes, ShapeViews) and shapes.points.shape == (2, 50, 3)
    assert isinstance(shapes.points, np.memmap)
    assert np.linalg.norm(shapes.points, axis=2).max() == pytest.approx(1, abs=1e-6)
    assert json.loads((tmp_path / "shapes_test" / "names.json").read_text()) == ["c"]


def test_train_and_test_share_no_shape(clouds: Path, tmp_path: Path) -> None:
    assert main([str(clouds), "--out", str(tmp_path)]) == 0
    names = [
        json.loads((tmp_path / f"shapes_{s}/names.json").read_text()) for s in ("train", "test")
    ]
    assert (len(names[0]), len(names[1])) == (18, 2) and not set(names[0]) & set(names[1])


def test_a_view_is_that_of_the_papers_virtual_camera(clouds: Path, tmp_path: Path) -> None:
    main([str(clouds), "--out", str(tmp_path)])
    shapes = open_set(tmp_path, "shapes", "train")
    rng = np.random.default_rng(0)
    errors, depths, angles = [], [], []
    for i in range(18):
        view = shapes.draw(i, rng)
        seen = view.p3d @ view.R.T + view.t
        errors.append((seen[:, :2] / seen[:, 2:] - view.p2d[view.partner]) * 800)
        depths.append(seen[:, 2].mean())
        angles.append(np.degrees(np.arccos((np.trace(view.R) - 1) / 2)))
        assert len(view.p3d) == 1000
        np.testing.assert_allclose(view.R @ view.R.T, np.eye(3), atol=1e-12)
    assert np.std(errors) == pytest.approx(2, rel=0.05)
    assert np.mean(depths) == pytest.approx(4.5, abs=0.3)
    assert min(angles) > 5 and max(angles) < 80


@pytest.mark.parametrize(
    ("source", "complaint"),
    [("nothing.npz", "cannot be read"), ("empty", "holds no mesh"), ("odd.npz", "(K, N, 3)")],
)
def test_a_source_that_cannot_be_used_is_named(
    tmp_path: Path, source: str, complaint: str, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "odd.npz", points=np.zeros((5, 3)))
    assert main([str(tmp_path / source), "--out", str(tmp_path / "out")]) == COULD_NOT_RUN
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_set_is_written_once(clouds: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main([str(clouds), "--out", str(tmp_path)]) == 0
    assert main([str(clouds), "--out", str(tmp_path)]) == COULD_NOT_RUN
    assert "is there already" in capsys.readouterr().err
