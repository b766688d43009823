"""Places that look alike are told apart by TF odometry: over DDS, and in a bag."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from landmarks import CAMERA
from recorded_rooms import PARAMETERS, T_BASE_CAMERA, drive, rooms

from bpnp_ros.localizer.types import Fix, Rejection
from bpnp_ros.replay.configuration import configuration
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.weights.chosen import load_chosen

if TYPE_CHECKING:
    from conftest import RosWorld


def engine() -> Engine:
    cpu = torch.device("cpu")
    return Engine(configuration(PARAMETERS).localizer, cpu, load_chosen("", cpu))


def test_over_dds(ros: RosWorld) -> None:
    from robot import Robot, camera_info, edge

    from bpnp_ros.nodes.messages import cloud_message, header, map_message

    landmarks = rooms()
    robot = Robot(ros, engine(), **PARAMETERS).started()
    robot.static_tf.publish(edge("base", "camera", T_BASE_CAMERA))
    robot.map.publish(map_message(header(1, "map"), landmarks))
    robot.camera_info.publish(camera_info(k=CAMERA.K.flatten().tolist()))
    robot.until(robot.moving_tf.get_subscription_count)
    truth = dict[int, np.ndarray]()
    for moment in drive(landmarks):
        robot.moving_tf.publish(edge("odom", "base", moment.T_odom_base, moment.stamp))
        u, v = moment.pixels.astype(np.float32).T
        robot.see(cloud_message(header(1, "camera"), {"u": u, "v": v}), moment.stamp)
        truth[moment.stamp] = moment.T_map_base
    robot.until(lambda: robot.poses)
    ros.spin(0.3)
    stamps = [p.header.stamp.sec * 10**9 + p.header.stamp.nanosec for p in robot.poses]
    assert stamps[-1] == max(truth) and min(stamps) > min(truth)
    for stamp, message in zip(stamps, robot.poses, strict=True):
        found, true = message.pose.pose.position, truth[stamp][:3, 3]
        assert np.allclose((found.x, found.y, found.z), true, atol=0.1)


def test_in_a_bag(tmp_path: Path) -> None:
    pytest.importorskip("rosbags", reason="needs rosbags: pip install '.[bags]'")
    from bpnp_ros.backends.rosbags import Writer
    from bpnp_ros.bags import messages
    from bpnp_ros.bags.reading import Bag
    from bpnp_ros.replay.player import Player
    from bpnp_ros.replay.topics import Topics, choose_topics

    landmarks = rooms()
    moments = list(drive(landmarks))
    start, header = moments[0].stamp - 10, messages.header
    fields = dict(zip("xyz", landmarks.T, strict=True))
    content = [
        ("/tf_static", start, messages.transforms(header(1, "base"), "camera", T_BASE_CAMERA)),
        ("/map", start + 1, messages.cloud(header(start, "map"), fields)),
        ("/info", start + 2, messages.camera_info(header(start, "camera"), CAMERA)),
    ]
    for moment in moments:
        stamped = header(moment.stamp, "odom")
        edge = messages.transforms(stamped, "base", moment.T_odom_base)
        u, v = moment.pixels.astype(np.float32).T
        cloud = messages.cloud(header(moment.stamp, "camera"), {"u": u, "v": v})
        content += [("/tf", moment.stamp, edge), ("/keypoints", moment.stamp + 1, cloud)]
    with Writer(tmp_path / "bag") as bag:
        for topic in dict.fromkeys(topic for topic, _, _ in content):
            bag.add_topic(topic, next(m for t, _, m in content if t == topic).__msgtype__)
        for topic, time, message in content:
            bag.write(topic, time, message)
    with Bag(tmp_path / "bag") as read:
        topics = choose_topics(read, Topics(map="/map"), map_from_bag=True)
        player = Player(read, topics, configuration(PARAMETERS), engine())
        player.get_ready()
        answers = [played.answer for played in player.play()]
    assert isinstance(answers[1], Rejection) and "2 places are left" in answers[1].message
    assert isinstance(answers[-1], Fix)
    for answer, moment in zip(answers, moments, strict=True):
        if isinstance(answer, Fix):
            T_map_base = answer.T_map_camera @ np.linalg.inv(T_BASE_CAMERA)
            assert np.allclose(T_map_base[:3, 3], moment.T_map_base[:3, 3], atol=0.1)
