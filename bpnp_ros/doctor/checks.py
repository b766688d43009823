"""From what was seen of a ROS graph to findings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bpnp_ros.configuration.parameters import KeypointConfig, LocalizationSettings
from bpnp_ros.doctor.finding import REMEDIES, Finding, fine, note, problem
from bpnp_ros.doctor.graph import Graph, Input, NodeStatus
from bpnp_ros.errors import BpnpError
from bpnp_ros.localizer.types import Category
from bpnp_ros.runtime.cameras import Cameras
from bpnp_ros.runtime.tf_buffer import NoTransformError

OLD, AHEAD = 1.0, 0.1  # seconds by which a stamp may lie behind and before its arrival
SLOW = 1.0  # keypoint messages a second


SELF_CHECKS = {
    "CAMERA_MISCALIBRATED": (
        "camera",
        "calibrate it; see that CameraInfo is of this very stream (size, zoom, lens); or set "
        "refine_intrinsics",
    ),
    "MAP_CHANGED": (
        "map",
        "survey that part anew, or take its points out of the map; if all there is as it was, call "
        "~/relocalize",
    ),
}


def findings(graph: Graph) -> list[Finding]:
    """All that can be said, in the order in which things depend on each other."""
    found = list(_node(graph))
    for part in graph.inputs.values():
        found += _input(graph, part)
    return [*found, *_frames(graph), *_contents(graph), *_transforms(graph), *_answers(graph.node)]


def _node(graph: Graph) -> Iterator[Finding]:
    node = graph.node
    if node is None:
        domain = f"ROS_DOMAIN_ID={graph.domain}"
        yield note(
            "node",
            f"no localization node spoke on /diagnostics in {graph.seconds:.0f} s; {domain}",
            "start it (ros2 launch bpnp_ros localization.launch.py), or use its ROS_DOMAIN_ID; "
            "its inputs are looked at all the same",
        )
        return
    yield fine("node", f"{node.name}: {node.message}")
    values = node.values
    if "map_points" in values:
        metric = "" if values.get("map_metric") == "true" else ", scale unknown"
        about = f"{values['map_points']} points in frame '{values.get('map_frame', '')}'{metric}"
        yield fine("map", about)
    if values.get("map_refused"):
        yield problem("map", values["map_refused"], REMEDIES[Category.NO_MAP])
    if values.get("map_metric") == "false":
        yield note("map", "its unit is unknown, so no TF is sent", "set map_scale")
    if "MAP_UNKNOWN" in values.get("notes", ""):
        retrain = "train weights for this map (python -m training.own_map), or give the map theirs"
        yield problem("weights", f"{values['weights']} were trained for another map", retrain)
    for line in values.get("notes", "").splitlines():
        code, _, words = line.partition(": ")
        if code in SELF_CHECKS:
            part, remedy = SELF_CHECKS[code]
            yield problem(part, words, remedy)
    if values.get("camera_check"):
        yield fine("camera", values["camera_check"])
    if values.get("assumed"):
        yield fine("motion", f"assumed is: {values['assumed']}")


def _input(graph: Graph, part: Input) -> Iterator[Finding]:
    """Publishers, QoS, rate and age of one topic."""
    about = f"{part.role} ({part.topic})"
    if not part.publishers:
        if part.role == "point_map" and graph.node and "map_points" in graph.node.values:
            return
        others = f"remap it: {part.role}:={part.elsewhere[0]}" if part.elsewhere else ""
        yield problem(about, "nobody publishes it", others or f"publish it, or remap {part.role}")
        return
    who = ", ".join(publisher.node for publisher in part.publishers)
    clash = _qos_clash(part)
    if clash:
        yield problem(about, f"{who}: {clash}", _qos_remedy(part, clash))
    if part.role == "point_map":
        yield fine(about, f"published by {who}")
        return
    if part.count == 0:
        what = f"{who} publishes, but nothing came in {graph.seconds:.0f} s"
        yield problem(about, what, "see that the publisher works: ros2 topic hz " + part.topic)
        return
    rate = part.count / graph.seconds
    yield fine(about, f"{rate:.1f} a second from {who}, frame '{part.frame}'")
    if part.role == "keypoints" and rate < SLOW:
        yield note(about, f"only {rate:.2f} a second", "a camera that moves is followed from 5 up")
    yield from _age(about, part.ages)


def _qos_clash(part: Input) -> str:
    asks = part.asks
    if asks is None:
        lost = part.role == "point_map" and not any(p.latched for p in part.publishers)
        return "it is not transient local, so a node that starts later hears no map" * lost
    if asks.reliable and not all(p.reliable for p in part.publishers):
        return "offers best effort where the node asks for reliable"
    if asks.latched and not all(p.latched for p in part.publishers):
        return "offers volatile where the node asks for transient local"
    return ""


def _qos_remedy(part: Input, clash: str) -> str:
    policy, weaker = (
        ("reliability", "best_effort") if "best effort" in clash else ("durability", "volatile")
    )
    return (
        f"change the publisher, or start the node with qos_overrides.{part.topic}.subscription."
        f"{policy}:={weaker}"
    )


def _age(about: str, ages: list[float]) -> Iterator[Finding]:
    age = float(np.median(ages))
    if age > OLD:
        what = f"stamps are {age:.1f} s old when they arrive"
        clocks = "if a bag plays, set use_sim_time; else synchronise the clocks"
        yield problem(about, what, clocks)
    elif age < -AHEAD:
        what = f"stamps lie {-age:.1f} s in the future"
        yield problem(about, what, "synchronise the clocks of camera and robot")
    else:
        yield fine(about, f"{1e3 * age:.0f} ms old on arrival")


def _frames(graph: Graph) -> Iterator[Finding]:
    keypoints, info = graph.inputs["keypoints"], graph.inputs["camera_info"]
    if keypoints.last and info.last and keypoints.frame != info.frame:
        yield problem(
            "frames",
            f"keypoints are of '{keypoints.frame}', CameraInfo is of '{info.frame}'",
            REMEDIES[Category.NO_CAMERA_INFO],
        )


def _contents(graph: Graph) -> Iterator[Finding]:
    """Whether the node could read the last messages, by the node's own code."""
    keypoints, info = graph.inputs["keypoints"], graph.inputs["camera_info"]
    if info.last is None:
        return
    cameras = Cameras(LocalizationSettings(), KeypointConfig())
    news = cameras.update(info.last)
    if isinstance(news, BpnpError):
        yield problem("camera", str(news), REMEDIES[Category.BAD_CAMERA_INFO])
        return
    lens = info.last.distortion_model or "no lens model"
    yield fine("camera", f"{info.last.width} x {info.last.height}, {lens}")
    if keypoints.last is not None and keypoints.frame == info.frame:
        try:
            count = len(cameras.keypoints(keypoints.last))
            yield fine("keypoints", f"{count} usable in the last message")
        except BpnpError as error:
            yield problem("keypoints", str(error), REMEDIES[Category.BAD_KEYPOINTS])


def _transforms(graph: Graph) -> Iterator[Finding]:
    """The extrinsics and the odometry that tf_mode needs, and whether the camera is optical."""
    if graph.node is None or not graph.inputs["keypoints"].frame:
        return
    parameters, camera = graph.node.parameters, graph.inputs["keypoints"].frame
    mode, base = parameters.get("tf_mode", "camera"), str(parameters.get("base_frame", ""))
    wanted = {"base": base, "odom": str(parameters.get("odom_frame", "odom"))}.get(mode, "")
    for target in dict.fromkeys(name for name in (wanted, base) if name):
        try:
            T = graph.lookup(target, camera)
        except NoTransformError as error:
            yield problem("TF", str(error), REMEDIES[Category.NO_TRANSFORM])
            continue
        yield fine("TF", f"'{target}' to '{camera}' is known")
        if target == base and np.allclose(T[:3, :3], np.eye(3), atol=1e-3):
            yield problem(
                "TF",
                f"'{camera}' has the axes of '{base}': x ahead, z up",
                "stamp keypoints with the camera's optical frame (x right, y down, z forward)",
            )


def _answers(node: NodeStatus | None) -> Iterator[Finding]:
    """What the last frames were rejected for."""
    if node is None:
        return
    values = node.values
    if values.get("received", "0") != "0":
        counts = f"{values.get('fixes', '0')} poses of {values['received']} messages"
        rejections = values.get("rejections") or "no rejections"
        yield fine("answers", f"{counts}; {rejections}; {values.get('dropped', '0')} dropped")
    if values.get("category"):
        category = Category(values["category"])
        what = f"the last keypoints gave no pose: {category.value}: {values.get('reason', '')}"
        yield problem("answers", what, REMEDIES[category])
    for key in ("initialpose_refused", "map_waiting"):
        if values.get(key):
            yield note("answers", values[key])
