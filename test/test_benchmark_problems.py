"""Which problems a scene poses to the methods of the benchmark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from orbit import orbit

from bpnp_ros.benchmark.problems import (
    SETTINGS,
    WHOLE_MAP,
    Problem,
    Selection,
    pose_problems,
)
from bpnp_ros.benchmark.sets import LEAST_PAIRS, Sightings
from bpnp_ros.errors import BpnpError

SCENE = orbit(images=12)
POSED = pose_problems(SCENE, Selection(queries=3))


def query_of(problem: Problem) -> int:
    return SCENE.image_names.index(problem.name)


def test_every_query_is_asked_in_every_setting() -> None:
    names = sorted({problem.name for problem in POSED.problems})
    assert len(names) == 3
    for name in names:
        asked = [problem.setting for problem in POSED.problems if problem.name == name]
        assert asked == list(SETTINGS)


def test_queries_are_spread_over_the_scene() -> None:
    queries = sorted({query_of(problem) for problem in POSED.problems})
    assert queries == [2, 6, 10]


def test_nobody_is_told_the_query_s_pose_or_the_retrieved_one() -> None:
    sightings = Sightings.of(SCENE)
    for problem in POSED.problems:
        query = query_of(problem)
        hidden = (
            {query} if problem.setting == WHOLE_MAP else {query, sightings.best_other(query)[0]}
        )
        assert set(problem.others.tolist()) == set(range(12)) - hidden


def test_the_mapping_holds_the_points_of_the_set_as_the_others_saw_them() -> None:
    for problem in POSED.problems:
        mapping, rows = problem.mapping, np.sort(problem.sets.point_row)
        np.testing.assert_array_equal(mapping.points, SCENE.points[rows])
        observed = SCENE.with_images(problem.others).track_length
        np.testing.assert_array_equal(mapping.track_length, observed[rows])


def test_the_same_seed_poses_the_same_problems_and_another_one_others() -> None:
    again = pose_problems(SCENE, Selection(queries=3))
    other = pose_problems(SCENE, Selection(queries=3, seed=1))
    first, same, different = (p.problems[2].sets.point_row for p in (POSED, again, other))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, different)


def test_a_setting_with_too_few_true_pairs_is_left_out_with_a_reason() -> None:
    few = pose_problems(SCENE, Selection(queries=1, most=20))
    assert all(len(problem.sets.pairs[0]) >= LEAST_PAIRS for problem in few.problems)
    assert len(few.problems) + len(few.skipped) == len(SETTINGS)
    assert any("75 %: 5 true pairs, 10 are needed" in reason for reason in few.skipped)


def test_a_scene_of_few_images_is_refused() -> None:
    with pytest.raises(BpnpError, match="5 images; at least 6 are needed"):
        pose_problems(SCENE.with_images(range(5)), Selection())


def test_a_scene_whose_images_share_nothing_is_refused() -> None:
    apart = replace(SCENE, keypoint_point=np.full_like(SCENE.keypoint_point, -1))
    with pytest.raises(BpnpError, match="no two images share 35 %"):
        pose_problems(apart, Selection())


def test_a_scene_of_one_point_poses_nothing_and_says_why() -> None:
    only = np.zeros(len(SCENE), bool)
    only[SCENE.keypoints_of(0)[1][0]] = True
    posed = pose_problems(SCENE.with_points(only), Selection())
    assert posed.problems == () and len(posed.skipped) >= len(SETTINGS)
