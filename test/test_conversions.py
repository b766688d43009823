"""Messages become arrays and back without loss; what does not fit is refused by field and fix."""

from __future__ import annotations

import array
import struct
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="needs ROS 2, or its wheels (docs/installation.md)")

from geometry_msgs.msg import PoseWithCovariance, Transform
from sensor_msgs.msg import CameraInfo, PointCloud2, PointField

from bpnp_ros.errors import CameraError, ConfigError, KeypointError, MapError
from bpnp_ros.nodes.messages import (
    cloud_message,
    header,
    map_message,
    pose_message,
    time_message,
    transform_message,
)
from bpnp_ros.point_map.formats.cues import packed_rgb
from bpnp_ros.runtime.conversions import (
    read_camera,
    read_columns,
    read_keypoint_cues,
    read_keypoints,
    read_map,
    read_map_points,
    read_pose,
    read_transform,
)

STAMP = 1_700_000_000_123_456_789
RNG = np.random.default_rng(0)


def keypoints_cloud(count: int = 5) -> PointCloud2:
    pixels = RNG.uniform(0, 640, (count, 2)).astype(np.float32)
    return cloud_message(header(STAMP, "camera"), {"u": pixels[:, 0], "v": pixels[:, 1]})


def a_rotation() -> np.ndarray:
    q, _ = np.linalg.qr(RNG.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


def test_columns_come_back_as_they_were_written() -> None:
    u, v = RNG.normal(size=(2, 7)).astype(np.float32)
    score = RNG.random(7)
    cloud = cloud_message(header(STAMP, "camera"), {"u": u, "v": v, "score": score})
    pixels, read_score = read_keypoints(cloud)
    assert isinstance(cloud.data, array.array)
    assert np.array_equal(pixels, np.stack([u, v], axis=1))
    assert read_score is not None and np.array_equal(read_score, score)


def test_bearings_are_read_where_there_are_no_pixels() -> None:
    x, y, z = RNG.normal(size=(3, 4)).astype(np.float32)
    positions, score = read_keypoints(cloud_message(header(1, "c"), {"x": x, "y": y, "z": z}))
    assert positions.shape == (4, 3) and score is None


@pytest.mark.parametrize("bigendian", [False, True])
@pytest.mark.parametrize("code", ["f", "d"])
def test_an_organised_padded_cloud_is_read_row_by_row(bigendian: bool, code: str) -> None:
    size, order = struct.calcsize(code), ">" if bigendian else "<"
    point_step, row_padding, height, width = 4 + 3 * size, 5, 2, 3
    values = np.arange(18.0).reshape(height, width, 3)
    data = b""
    for row in values:
        for point in row:
            data += b"\xaa" * 4 + struct.pack(f"{order}3{code}", *point)
        data += b"\xbb" * row_padding
    datatype = PointField.FLOAT32 if code == "f" else PointField.FLOAT64
    fields = [
        PointField(name=name, offset=4 + i * size, datatype=datatype, count=1)
        for i, name in enumerate("xyz")
    ]
    cloud = PointCloud2(height=height, width=width, fields=fields, is_bigendian=bigendian)
    cloud.point_step, cloud.row_step = point_step, width * point_step + row_padding
    cloud.data = array.array("B", data)
    assert np.array_equal(read_map_points(cloud), values.reshape(-1, 3))


def test_an_empty_cloud_has_no_keypoints() -> None:
    positions, _ = read_keypoints(keypoints_cloud(0))
    assert positions.shape == (0, 2)


def spoil(cloud: PointCloud2, **changes: Any) -> PointCloud2:
    for name, value in changes.items():
        setattr(cloud, name, value)
    return cloud


def with_field(cloud: PointCloud2, **changes: Any) -> PointCloud2:
    for name, value in changes.items():
        setattr(cloud.fields[1], name, value)
    return cloud


@pytest.mark.parametrize(
    ("cloud", "named"),
    [
        (with_field(keypoints_cloud(), name="y"), "'v' is missing"),
        (PointCloud2(), "'u' is missing"),
        (with_field(keypoints_cloud(), datatype=PointField.UINT16), "'v' is uint16"),
        (with_field(keypoints_cloud(), datatype=77), "unknown datatype 77"),
        (with_field(keypoints_cloud(), count=2), "x 2"),
        (with_field(keypoints_cloud(), offset=6), "ends at byte 10"),
        (with_field(keypoints_cloud(), offset=2**31), "point_step 8"),
        (spoil(keypoints_cloud(), point_step=0, row_step=0), "data holds 40 bytes"),
        (spoil(keypoints_cloud(), width=2**32 - 1, row_step=0), "data holds 40 bytes"),
        (spoil(keypoints_cloud(), width=4, row_step=32), "data holds 40 bytes"),
        (spoil(keypoints_cloud(), width=2**31), "row_step is 40 bytes"),
        (spoil(keypoints_cloud(), height=2), "say 80"),
        (spoil(keypoints_cloud(), data=array.array("B", bytes(39))), "data holds 39 bytes"),
        (spoil(keypoints_cloud(), height=0), "data holds 40 bytes"),
    ],
)
def test_a_cloud_that_lies_is_refused_by_name(cloud: PointCloud2, named: str) -> None:
    with pytest.raises(KeypointError, match=named):
        read_keypoints(cloud)


def test_a_row_step_of_zero_is_no_matter_in_a_single_row() -> None:
    assert len(read_columns(spoil(keypoints_cloud(), row_step=0), ("u",))) == 5


def test_a_map_without_xyz_is_refused_as_a_map() -> None:
    with pytest.raises(MapError, match="'x' is missing"):
        read_map_points(keypoints_cloud())


@pytest.mark.parametrize("offset", [0.0, 5_000_000.0])
def test_a_map_keeps_a_tenth_of_a_millimetre_however_far_away(offset: float) -> None:
    points = RNG.uniform(-20, 20, (50, 3)) + offset
    message = map_message(header(1, "map"), points)
    assert np.abs(read_map_points(message) - points).max() < 1e-4
    assert message.fields[0].datatype == (PointField.FLOAT64 if offset else PointField.FLOAT32)


def camera_info(**changes: Any) -> CameraInfo:
    info = CameraInfo(width=640, height=480, distortion_model="plumb_bob", d=[0.1, 0, 0, 0, 0])
    info.header.frame_id = "camera"
    info.k = [400.0, 0, 320, 0, 410, 240, 0, 0, 1]
    info.p = [380.0, 0, 310, -40, 0, 380, 230, 0, 0, 0, 1, 0]
    return spoil(info, **changes)


def test_raw_keypoints_take_k_and_d_and_rectified_ones_p_alone() -> None:
    raw, rectified = read_camera(camera_info()), read_camera(camera_info(), rectified=True)
    assert raw.K[0, 0] == 400 and raw.D == (0.1, 0, 0, 0, 0)
    assert rectified.K[0, 0] == 380 and rectified.K[0, 2] == 310 and not rectified.is_distorted


def test_binning_and_region_of_interest_move_the_camera_as_they_move_the_pixels() -> None:
    info = camera_info(binning_x=2, binning_y=2)
    info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height = 100, 40, 400, 300
    camera = read_camera(info)
    full = np.array([400 * 0.3 + 320, 410 * -0.2 + 240])
    assert np.allclose(camera.K[:2] @ (0.3, -0.2, 1), (full - (100, 40)) / 2)
    assert (camera.width, camera.height) == (200, 150)


def test_a_region_outside_the_image_is_refused() -> None:
    info = camera_info()
    info.roi.width, info.roi.height, info.roi.x_offset = 600, 400, 100
    with pytest.raises(CameraError, match="region of interest"):
        read_camera(info)


@pytest.mark.parametrize(
    ("changes", "rectified", "named"),
    [
        ({"k": [0.0] * 9}, False, "K is zero"),
        ({"p": [0.0] * 12}, True, "P is zero"),
        ({"k": [np.nan] * 9}, False, "finite"),
        ({"distortion_model": "wavy", "d": [0.1]}, False, "'wavy' is not known"),
        ({"width": 0}, False, "image size"),
    ],
)
def test_an_unusable_camera_info_is_refused_by_name(
    changes: dict[str, Any], rectified: bool, named: str
) -> None:
    with pytest.raises(CameraError, match=named):
        read_camera(camera_info(**changes), rectified)


def test_an_ideal_camera_without_a_model_is_a_pinhole() -> None:
    assert not read_camera(camera_info(distortion_model="", d=[])).is_distorted


def test_a_pose_far_from_the_origin_survives_the_round_trip() -> None:
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = a_rotation(), (5_000_000.001, -3.5, 250.25)
    A = RNG.normal(size=(6, 6))
    message = pose_message(header(STAMP, "map"), T, A @ A.T)
    T_read, covariance = read_pose(message.pose)
    assert np.allclose(T_read, T, rtol=0, atol=1e-9) and np.allclose(covariance, A @ A.T)
    assert message.header.stamp == time_message(STAMP)
    back = read_transform(transform_message(message.header, "camera", T).transform)
    assert np.allclose(back, T, rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("error")
def test_what_is_no_rigid_pose_is_refused() -> None:
    for w in (0.0, 1e300):
        with pytest.raises(ConfigError, match="unit quaternion"):
            read_transform(spoil(Transform(), rotation=spoil(Transform().rotation, w=w)))
    stated = PoseWithCovariance()
    stated.pose.position.x = float("nan")
    with pytest.raises(ConfigError, match="not finite"):
        read_pose(stated)
    with pytest.raises(ConfigError, match="negative"):
        read_pose(spoil(PoseWithCovariance(), covariance=[-1.0] * 36))


@pytest.mark.parametrize("row_step", [0, 7, 240, 100_000])
def test_a_wrong_row_step_does_not_matter_where_the_data_have_no_gaps(row_step: int) -> None:
    points = RNG.normal(size=(60, 3))
    cloud = map_message(header(1, "map"), points)
    cloud.height, cloud.width, cloud.row_step = 6, 10, row_step
    assert np.allclose(read_map_points(cloud), points, atol=1e-5)


def cloud_with(dtype: str, values: list[Any], name: str, datatype: int) -> PointCloud2:
    """Keypoints with one more field."""
    rows = np.zeros(len(values), [("u", "<f4"), ("v", "<f4"), (name, dtype)])
    rows[name] = values
    kinds = {"u": (0, 7), "v": (4, 7), name: (8, datatype)}
    fields = [
        PointField(name=field, offset=offset, datatype=kind, count=1)
        for field, (offset, kind) in kinds.items()
    ]
    step = rows.itemsize
    data = array.array("B", rows.tobytes())
    return PointCloud2(
        height=1, width=len(rows), point_step=step, row_step=len(data), fields=fields, data=data
    )


@pytest.mark.parametrize(
    ("dtype", "datatype"), [("i1", 1), ("u1", 2), ("<i2", 3), ("<u4", 6), ("<f4", 7), ("<f8", 8)]
)
def test_a_cue_is_read_in_whatever_type(dtype: str, datatype: int) -> None:
    cues = read_keypoint_cues(cloud_with(dtype, [1, 2, 100], "label", datatype))
    assert cues["label"].tolist() == [1, 2, 100]


@pytest.mark.parametrize("datatype", [0, 9, 255])
def test_a_cue_of_an_unknown_type_is_absent_and_no_error(datatype: int) -> None:
    assert "size" not in read_keypoint_cues(cloud_with("<f4", [1, 2], "size", datatype))


def test_sizes_that_cannot_be_are_unknown() -> None:
    size = read_keypoint_cues(cloud_with("<f4", [3, 0, -1, np.nan, np.inf], "size", 7))["size"]
    assert size[0] == 3 and np.isnan(size[1:]).all()


@pytest.mark.parametrize("name", ["rgb", "rgba"])
@pytest.mark.parametrize("datatype", [6, 7])
def test_packed_colours_are_read_as_pcl_packs_them(name: str, datatype: int) -> None:
    packed = np.array([0xFF0A141E, 0x000A141E], "<u4")
    cloud = cloud_with("<u4", list(packed), name, datatype)
    assert read_keypoint_cues(cloud)["rgb"].tolist() == [[10, 20, 30]] * 2


@pytest.mark.parametrize("datatype", [6, 7])
def test_black_keypoints_have_no_colour(datatype: int) -> None:
    black = cloud_with("<u4", [0, 0xFF000000], "rgb", datatype)
    assert np.isnan(read_keypoint_cues(black)["rgb"]).all()


def test_a_colour_survives_the_message() -> None:
    rgb = np.array([[1.0, 128, 254], [255, 255, 255], [np.nan, 0, 0], [0, 0, 1]])
    message = cloud_message(header(1, "c"), {"u": rgb[:, 0], "rgb": packed_rgb(rgb)})
    read = read_keypoint_cues(message)["rgb"]
    np.testing.assert_array_equal(read[[0, 1, 3]], rgb[[0, 1, 3]])
    assert np.isnan(read[2]).all()


def coloured_cloud(rgb: np.ndarray, names: list[str], count: int) -> PointCloud2:
    """Positions as float32, then colours of the type that `rgb` (N, 3) has."""
    kind = {"uint8": 2, "uint16": 4, "float32": 7, "float64": 8}[rgb.dtype.name]
    row = np.dtype([("p", "<f4", 3), ("c", rgb.dtype, 3)])
    rows = np.zeros(len(rgb), row)
    rows["p"], rows["c"] = np.random.default_rng(0).normal(size=(len(rgb), 3)), rgb
    places = [*zip("xyz", (0, 4, 8), (7,) * 3, (1,) * 3, strict=True)]
    places += [(n, 12 + i * rgb.itemsize, kind, count) for i, n in enumerate(names)]
    fields = [PointField(name=n, offset=o, datatype=k, count=c) for n, o, k, c in places]
    data = array.array("B", rows.tobytes())
    return PointCloud2(
        height=1,
        width=len(rows),
        point_step=row.itemsize,
        row_step=len(data),
        fields=fields,
        data=data,
    )


@pytest.mark.parametrize(
    ("names", "count"), [(["r", "g", "b"], 1), (["red", "green", "blue"], 1), (["rgb"], 3)]
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
def test_colours_of_three_numbers_are_read_of_maps_and_of_keypoints(
    names: list[str], count: int, dtype: str
) -> None:
    rgb = np.array([[10, 20, 30], [255, 1, 128], [0, 0, 0]])
    scale = {"uint8": 1, "uint16": 257}.get(dtype, 1 / 255)
    cloud = coloured_cloud((rgb * scale).astype(dtype), names, count)
    assert read_map(cloud).cues["rgb"].tolist() == rgb.tolist()
    shown = read_keypoint_cues(cloud)["rgb"]
    assert shown[:2].tolist() == rgb[:2].tolist() and np.isnan(shown[2]).all()


def test_what_a_map_message_says_beside_positions_is_kept_as_of_a_file() -> None:
    xyz = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    columns = dict(zip("xyz", xyz.T, strict=True)) | {
        "rgb": packed_rgb(np.array([[1.0, 2, 3]] * 4 + [[np.nan] * 3])),
        "label": np.array([1, 2, np.nan, -7, 3], np.float32),
        "size": np.array([0.1, 0, -1, np.nan, np.inf], np.float32),
        "intensity": np.array([5, 6, 7, np.nan, np.inf], np.float32),
        "angle_x": np.array([0, 3, 0, np.nan, np.inf], np.float32),
        "angle_y": np.array([0, 0, -2, 1, 1], np.float32),
        "angle_z": np.array([0, 4, 0, 1, 1], np.float32),
        "detectability": np.full(5, 0.5, np.float32),
    }
    read = read_map(cloud_message(header(1, "map"), columns))
    assert read.cues["rgb"].tolist() == [[1, 2, 3]] * 4 + [[0, 0, 0]]
    assert read.cues["label"].tolist() == [1, 2, -1, -7, 3]
    assert np.isnan(read.cues["size"][2:]).all() and read.cues["size"][0] == np.float32(0.1)
    assert np.isnan(read.cues["intensity"]).tolist() == [False] * 3 + [True] * 2
    assert np.isnan(read.cues["angle"]).all(axis=1).tolist() == [True, False, False, True, True]
    expected = np.array([[0.6, 0, 0.8], [0, -1, 0]])
    assert np.allclose(read.cues["angle"][1:3], expected)
    again = read_map(map_message(header(1, "map"), xyz.astype(float), read.cues))
    np.testing.assert_array_equal(again.cues["angle"], read.cues["angle"])
    assert read.detectability is not None and (read.detectability == 0.5).all()


def test_a_field_that_cannot_be_read_does_not_cost_the_map() -> None:
    message = map_message(header(1, "map"), np.random.default_rng(2).normal(size=(6, 3)))
    message.fields.append(PointField(name="rgb", offset=400, datatype=7, count=1))
    message.fields.append(PointField(name="label", offset=0, datatype=99, count=1))
    assert read_map(message).cues == {}
