"""The data sets of the paper's code are read as it means them, its mistakes put right."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from paper_sets import samples, write_pickles, write_preprocessed, write_raw, write_set

from bpnp_ros.errors import DataSetError
from training.datasets.reference_layout import FOLDERS, StoredSamples, open_reference_set
from training.datasets.sample import Sample

SETS = {word: f"{folder}_test" for word, folder in FOLDERS.items()}


def read(folder: Path, word: str) -> list[Sample]:
    return open_reference_set(folder, word, "test").samples


def misfit(sample: Sample) -> float:
    """Largest distance of a keypoint from where its point projects; 2 px of noise are 0.0025."""
    matched = sample.partner >= 0
    seen = sample.p3d[matched] @ sample.R.T + sample.t
    return float(np.abs(seen[:, :2] / seen[:, 2:] - sample.p2d[sample.partner[matched]]).max())


@pytest.mark.parametrize("as_dict", [True, False])
@pytest.mark.parametrize("word", ["modelnet40", "megadepth"])
def test_preprocessed_sets_are_read(tmp_path: Path, word: str, as_dict: bool) -> None:
    views = samples(12)
    write_preprocessed(tmp_path / SETS[word] / "preprocessed", views, as_dict)
    for given, got in zip(views, read(tmp_path, word), strict=True):
        np.testing.assert_allclose(got.p3d, given.p3d, atol=1e-6)
        np.testing.assert_array_equal(got.partner, given.partner)
        assert misfit(got) < 0.02


def test_padding_is_left_out_and_outliers_have_no_partner(tmp_path: Path) -> None:
    view = samples(1)[0]
    m, n = 20, 22
    place = tmp_path / SETS["modelnet40"] / "preprocessed"
    write_preprocessed(place, [view])
    write_pickles(place, {"num_points_2d": [np.array([m])], "num_points_3d": [np.array([n])]})
    (got,) = read(tmp_path, "modelnet40")
    assert (len(got.p2d), len(got.p3d)) == (m, n)
    np.testing.assert_array_equal(got.partner, np.where(view.partner < m, view.partner, -1)[:n])


def test_the_labels_of_data61_are_turned_round(tmp_path: Path) -> None:
    view = samples(1)[0]
    point = np.empty(len(view.p2d), np.int64)
    point[view.partner] = np.arange(len(view.p3d))
    point[3] = len(view.p3d)  # an outlier
    place = tmp_path / SETS["data61_2d3d"] / "preprocessed"
    write_preprocessed(place, [view])
    write_pickles(place, {"W_gt": [point]})
    (got,) = read(tmp_path, "data61_2d3d")
    np.testing.assert_array_equal(got.partner, np.where(view.partner == 3, -1, view.partner))
    assert misfit(got) < 0.02


@pytest.mark.parametrize("word", SETS)
def test_raw_pairs_are_read_where_nothing_is_preprocessed(tmp_path: Path, word: str) -> None:
    views = samples(3)
    write_raw(tmp_path / SETS[word], views)
    got = read(tmp_path, word)
    assert len(got) == 3 and max(map(misfit, got)) < 0.02


def test_raw_megadepth_is_read_scene_by_scene_as_its_split_says(tmp_path: Path) -> None:
    views = samples(3)
    for scene, part in {"0001": views[:1], "0002": views[1:], "0003": views}.items():
        write_raw(tmp_path / "megadepth_test" / scene, part)
    split = {"train": [], "val": ["0001.npz", "0002.npz", "gone.npz"]}
    write_pickles(tmp_path, {"megadepth_split_SIFT": split})
    got = read(tmp_path, "megadepth")
    np.testing.assert_allclose([s.t for s in got], [v.t for v in views])


def test_a_set_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="nyu_test"):
        read(tmp_path, "nyurgbd")


@pytest.mark.parametrize(
    ("name", "column", "complaint"),
    [
        ("p2d", [np.zeros((3, 3))] * 2, "sample 0: points are"),
        ("R_gt", [np.eye(2)] * 2, "no pose"),
        ("t_gt", [np.zeros(3)], "do not belong together"),
        ("W_gt", [np.zeros(2)] * 2, "2 labels"),
        ("p3d", {"a": 1}, "no list of arrays"),
        ("p3d", 7, "no list of arrays"),
        ("p3d", [np.array(["x"])] * 2, "no numbers"),
    ],
)
def test_files_that_do_not_fit_are_named(
    tmp_path: Path, name: str, column: object, complaint: str
) -> None:
    place = tmp_path / "modelnet40_test" / "preprocessed"
    write_preprocessed(place, samples(2))
    (place / f"{name}.pkl").write_bytes(pickle.dumps(column))
    with pytest.raises(DataSetError, match=complaint):
        read(tmp_path, "modelnet40")


@pytest.mark.parametrize(
    ("part", "value"), [("p3d", np.nan), ("p2d", np.inf), ("p3d", 1e300), ("t", np.nan)]
)
def test_samples_that_are_not_finite_are_refused(tmp_path: Path, part: str, value: float) -> None:
    view = samples(1)[0]
    odd = np.array(getattr(view, part), np.float64)
    odd.flat[0] = value
    views = [Sample(**{**view._asdict(), part: odd})]
    write_preprocessed(tmp_path / SETS["modelnet40"] / "preprocessed", views)
    with pytest.raises(DataSetError, match="sample 0"):
        read(tmp_path, "modelnet40")


def test_a_set_of_both_splits_is_read(tmp_path: Path) -> None:
    write_set(tmp_path, train=5, test=2)
    assert len(open_reference_set(tmp_path, "modelnet40", "train")) == 5
    assert isinstance(open_reference_set(tmp_path, "modelnet40", "test"), StoredSamples)
