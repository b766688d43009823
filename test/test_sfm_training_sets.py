"""Scenes from structure from motion become training sets with real outliers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpnp_ros.command import COULD_NOT_RUN
from bpnp_ros.errors import DataSetError
from training.datasets.build_sfm import main
from training.datasets.sample import Sample
from training.datasets.sfm import Query, SfmViews
from training.datasets.words import open_set


def write_scene(path: Path, seed: int, images: int = 4, points: int = 120) -> None:
    """Cameras that look at a cloud far from the origin, each seeing most of its points."""
    rng = np.random.default_rng(seed)
    cloud = np.array([500, 0, 0]) + rng.standard_normal((points, 3))
    R = np.array([np.eye(3)] * images)
    t = np.array([-500, 0, 6]) + rng.uniform(-0.5, 0.5, (images, 3))
    xy, shown = [], []
    for i in range(images):
        seen = cloud + t[i]
        chosen = rng.permutation(points)[:80]
        clutter = rng.uniform(-0.3, 0.3, (40, 2))
        xy.append(np.concatenate([(seen[:, :2] / seen[:, 2:])[chosen], clutter]))
        shown.append(np.concatenate([chosen, np.full(40, -1)]))
    np.savez(
        path,
        points3d=cloud,
        R=R,
        t=t,
        fx=np.full(images, 500.0),
        width=np.full(images, 640),
        height=np.full(images, 480),
        kp_offsets=np.arange(images + 1) * 120,
        kp_xy=np.concatenate(xy),
        kp_point3d=np.concatenate(shown),
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for seed, name in enumerate("abc"):
        write_scene(tmp_path / f"{name}.npz", seed)
    a, b, c = (str(tmp_path / f"{name}.npz") for name in "abc")
    assert main([a, b, "--test-scenes", c, "--out", str(tmp_path)]) == 0
    return tmp_path


def rates(sample: Sample) -> tuple[float, float]:
    pairs = int((sample.partner >= 0).sum())
    return 1 - pairs / len(sample.p2d), 1 - pairs / len(sample.p3d)


def test_every_image_is_a_sample_and_scenes_are_not_shared(data: Path) -> None:
    assert len(open_set(data, "sfm", "train")) == 8
    assert len(open_set(data, "sfm", "test")) == 4


def test_keypoints_stay_on_the_disk(data: Path) -> None:
    source = open_set(data, "sfm", "train")
    assert isinstance(source, SfmViews)
    for query in source.queries:
        assert isinstance(query.scene.keypoints, np.memmap)
        assert isinstance(query.scene.keypoint_point, np.memmap)


def test_a_damaged_set_is_named(data: Path) -> None:
    damaged = next((data / "sfm_train").iterdir()) / "kp_xy.npy"
    damaged.write_bytes(damaged.read_bytes()[:200])
    with pytest.raises(DataSetError, match=damaged.parent.name):
        open_set(data, "sfm", "train")


def test_the_pose_projects_points_onto_their_keypoints_in_a_frame_of_their_own(data: Path) -> None:
    source = open_set(data, "sfm", "train", outlier_rate=0.3)
    for i in range(len(source)):
        sample = source.draw(i, np.random.default_rng(i))
        matched = sample.partner >= 0
        seen = sample.p3d[matched] @ sample.R.T + sample.t
        difference = seen[:, :2] / seen[:, 2:] - sample.p2d[sample.partner[matched]]
        assert np.abs(difference).max() < 1e-6
        assert np.abs(np.median(sample.p3d, axis=0)).max() < 0.5


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.4])
def test_both_sets_have_the_outlier_rate_that_is_asked_for(data: Path, rate: float) -> None:
    sample = open_set(data, "sfm", "test", rate).draw(0, np.random.default_rng(0))
    assert rates(sample) == pytest.approx((rate, rate), abs=0.02)


def test_all_outliers_there_are_can_be_asked_for(data: Path) -> None:
    sample = open_set(data, "sfm", "test", 1.0).draw(0, np.random.default_rng(0))
    assert len(sample.p2d) == 120 and len(sample.p3d) == 80


def test_the_rate_is_drawn_anew_for_each_sample(data: Path) -> None:
    source = open_set(data, "sfm", "train")
    drawn = {round(rates(source.draw(0, np.random.default_rng(s)))[1], 2) for s in range(10)}
    assert len(drawn) > 3


def test_a_rate_beyond_what_there_is_gives_what_there_is(data: Path) -> None:
    source = open_set(data, "sfm", "train", 0.0)
    assert isinstance(source, SfmViews)
    query = source.queries[0]
    scene = query.scene.with_points(np.isin(np.arange(len(query.scene)), query.points))
    alone = np.ones(len(scene))
    lonely = SfmViews([Query(scene, query.image, np.arange(len(scene)), alone)], 0.999)
    assert len(lonely.draw(0, np.random.default_rng(0)).p3d) == len(scene)


def test_detectability_is_what_the_other_images_saw(data: Path) -> None:
    source = open_set(data, "sfm", "train")
    assert isinstance(source, SfmViews)
    query = source.queries[1]
    seen = np.zeros((query.scene.image_count, len(query.scene)))
    for image in range(query.scene.image_count):
        seen[image, query.scene.keypoints_of(image)[1]] = 1  # row -1: none, is the last point
    others = [image for image in range(len(seen)) if image != query.image]
    in_view = sum(query.scene.in_view_of(image).astype(int) for image in others)
    expected = seen[others].sum(axis=0) / np.maximum(in_view, 1)
    np.testing.assert_allclose(query.detectability[:-1], np.minimum(expected, 1)[:-1])
    sample = source.draw(1, np.random.default_rng(0))
    assert set(sample.detectability) <= set(query.detectability[query.points])
    assert len(sample.detectability) == len(sample.p3d)


def test_a_scene_cannot_be_for_both(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    write_scene(tmp_path / "a.npz", 0)
    a = str(tmp_path / "a.npz")
    assert main([a, "--test-scenes", a, "--out", str(tmp_path)]) == COULD_NOT_RUN
    assert "for training and for testing" in capsys.readouterr().err


def test_a_set_is_written_once(data: Path, capsys: pytest.CaptureFixture) -> None:
    a, c = str(data / "a.npz"), str(data / "c.npz")
    assert main([a, "--test-scenes", c, "--out", str(data)]) == COULD_NOT_RUN
    assert "is there already" in capsys.readouterr().err
