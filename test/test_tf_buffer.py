"""The small TF tree: interpolated in time, chained through the tree, named where it fails."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("torch")

from bpnp_ros.geometry.rotation import so3_exp
from bpnp_ros.runtime.tf_buffer import NEWEST, NoTransformError, TransformBuffer

SECOND = 1_000_000_000


def transform(r: tuple[float, ...] = (0, 0, 0), t: tuple[float, ...] = (0, 0, 0)) -> np.ndarray:
    T = np.eye(4)
    T[:3, :3] = so3_exp(torch.tensor(r, dtype=torch.float64)).numpy()
    T[:3, 3] = t
    return T


def robot() -> TransformBuffer:
    """odom -> base turns and drives for 2 s; base -> camera is fixed, at the end of an arm."""
    buffer = TransformBuffer()
    for second in (1, 2, 3):
        T_odom_base = transform((0, 0, 0.5 * (second - 1)), (2.0 * second, 0, 0))
        buffer.set("odom", "base", second * SECOND, T_odom_base, static=False)
    buffer.set("base", "arm", 0, transform(t=(0, 0, 1)), static=True)
    buffer.set("arm", "camera", 0, transform((0, 0.3, 0), (0.1, 0, 0)), static=True)
    return buffer


def test_between_two_stamps_translation_and_rotation_are_interpolated() -> None:
    T = robot().lookup("odom", "base", int(1.5 * SECOND))
    assert np.allclose(T, transform((0, 0, 0.25), (3, 0, 0)))


def test_a_look_up_chains_up_and_down_the_tree() -> None:
    buffer = robot()
    T_base_camera = transform(t=(0, 0, 1)) @ transform((0, 0.3, 0), (0.1, 0, 0))
    T_odom_camera = transform((0, 0, 0.5), (4, 0, 0)) @ T_base_camera
    assert np.allclose(buffer.lookup("odom", "camera", 2 * SECOND), T_odom_camera)
    inverse = buffer.lookup("camera", "odom", 2 * SECOND)
    assert np.allclose(inverse @ T_odom_camera, np.eye(4))


def test_a_parent_above_the_common_ancestor_is_not_asked() -> None:
    buffer = robot()
    buffer.set("map", "odom", 99 * SECOND, transform(), static=False)
    assert np.allclose(buffer.lookup("base", "arm", 2 * SECOND), transform(t=(0, 0, 1)))
    assert buffer.lookup("odom", "camera", 2 * SECOND).shape == (4, 4)


def test_the_newest_is_taken_where_no_time_is_asked_for() -> None:
    assert robot().lookup("odom", "base", NEWEST)[0, 3] == 6


@pytest.mark.parametrize(("second", "named"), [(0.5, "0.500 s before"), (3.2, "0.200 s after")])
def test_a_time_outside_what_was_heard_is_never_extrapolated(second: float, named: str) -> None:
    with pytest.raises(NoTransformError, match=named):
        robot().lookup("odom", "camera", int(second * SECOND))


def test_frames_that_nobody_publishes_are_named() -> None:
    with pytest.raises(NoTransformError, match="nobody publishes 'gripper'"):
        robot().lookup("odom", "gripper", NEWEST)


def test_two_trees_are_named_by_their_roots() -> None:
    buffer = robot()
    buffer.set("mast", "light", 0, transform(), static=True)
    with pytest.raises(NoTransformError, match="below 'odom' and 'mast'"):
        buffer.lookup("base", "light", NEWEST)


def test_a_loop_does_not_hang() -> None:
    buffer = TransformBuffer()
    buffer.set("a", "b", 0, transform(), static=True)
    buffer.set("b", "a", 0, transform(), static=True)
    with pytest.raises(NoTransformError):
        buffer.lookup("a", "elsewhere", NEWEST)


def test_messages_out_of_order_are_sorted_in() -> None:
    buffer = TransformBuffer()
    for second in (1, 3, 2):
        buffer.set("a", "b", second * SECOND, transform(t=(second**2, 0, 0)), static=False)
    assert buffer.lookup("a", "b", int(2.5 * SECOND))[0, 3] == pytest.approx(6.5)


def test_only_ten_seconds_are_kept() -> None:
    buffer = TransformBuffer()
    for second in range(1, 31):
        buffer.set("a", "b", second * SECOND, transform(), static=False)
    assert buffer.lookup("a", "b", 21 * SECOND).shape == (4, 4)
    with pytest.raises(NoTransformError, match="before"):
        buffer.lookup("a", "b", 19 * SECOND)


def test_clearing_keeps_what_is_static() -> None:
    buffer = robot()
    buffer.clear()
    assert buffer.lookup("base", "camera", NEWEST).shape == (4, 4)
    with pytest.raises(NoTransformError, match="'odom'"):
        buffer.lookup("odom", "base", NEWEST)


def test_a_georeferenced_offset_keeps_its_millimetres() -> None:
    buffer = robot()
    buffer.set("map", "odom", 0, transform((0, 0, 1), (5_000_000.001, 4e6, 0)), static=True)
    there = buffer.lookup("map", "camera", 2 * SECOND)
    assert np.allclose(buffer.lookup("camera", "map", 2 * SECOND) @ there, np.eye(4), atol=1e-8)


def test_stamps_that_were_rounded_are_the_same_where_that_is_allowed() -> None:
    T = np.eye(4)
    strict, lax = TransformBuffer(), TransformBuffer(slack=1000)
    for buffer in (strict, lax):
        buffer.set("map", "camera", 5_000_000, T, static=False)
    for rounded in (4_999_100, 5_000_900):
        np.testing.assert_array_equal(lax.lookup("map", "camera", rounded), T)
        with pytest.raises(NoTransformError):
            strict.lookup("map", "camera", rounded)
    with pytest.raises(NoTransformError):
        lax.lookup("map", "camera", 5_001_100)


FAR = 10**9 * SECOND


@pytest.mark.parametrize("stray", [FAR, 20 * SECOND, -FAR])
def test_one_stamp_far_off_makes_nothing_forgotten(stray: int) -> None:
    buffer = robot()
    buffer.set("odom", "base", stray, transform(t=(99, 0, 0)), static=False)
    assert np.allclose(
        buffer.lookup("odom", "base", int(1.5 * SECOND)), transform((0, 0, 0.25), (3, 0, 0))
    )
    buffer.set("odom", "base", 4 * SECOND, transform(t=(8, 0, 0)), static=False)
    assert buffer.lookup("odom", "base", 4 * SECOND)[0, 3] == 8
    assert buffer.lookup("odom", "base", NEWEST)[0, 3] == 8


@pytest.mark.parametrize("first", [FAR, 3 * SECOND])
def test_time_that_has_really_changed_is_followed_at_the_second_stamp(first: int) -> None:
    buffer = TransformBuffer()
    buffer.set("odom", "base", first, transform(), static=False)
    start = FAR // 2
    for second in (0, 1, 2):
        T = transform(t=(second, 0, 0))
        buffer.set("odom", "base", start + second * SECOND, T, static=False)
    assert buffer.lookup("odom", "base", start + int(1.5 * SECOND))[0, 3] == pytest.approx(1.5)


def test_what_is_seldom_sent_is_believed_beside_what_is_sent_all_the_time() -> None:
    buffer = robot()
    buffer.set("base", "gimbal", SECOND, transform(), static=False)
    for second in range(4, 40):
        buffer.set("odom", "base", second * SECOND, transform(), static=False)
    buffer.set("base", "gimbal", 39 * SECOND, transform(t=(1, 0, 0)), static=False)
    assert buffer.lookup("base", "gimbal", NEWEST)[0, 3] == 1
