"""What a fix is published as: pose, TF, and for those who look, matches and path."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, PoseStamped, PoseWithCovarianceStamped, Vector3
from nav_msgs.msg import Path
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from bpnp_ros.localizer.types import Fix
from bpnp_ros.nodes.messages import header, pose_message, pose_stamped
from bpnp_ros.runtime.frames import Placement
from bpnp_ros.runtime.maps import ActiveMap

Array = NDArray[np.float64]
Broadcast = Callable[[int, str, str, Array], None]
"""Stamp in nanoseconds, parent, child, T_parent_child."""

PATH_STEP = 200_000_000  # nanoseconds
PATH_POSES = 1500

_GREEN = ColorRGBA(r=0.1, g=0.8, b=0.3, a=1.0)
_FAINT_GREEN = ColorRGBA(r=0.1, g=0.8, b=0.3, a=0.25)


class Outputs:
    """The publishers of a configured node; silent unless it is active."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._pose = node.create_lifecycle_publisher(PoseWithCovarianceStamped, "pose", 10)
        self._path = node.create_lifecycle_publisher(Path, "path", 1)
        self._matches = node.create_lifecycle_publisher(MarkerArray, "matches", 1)
        self._way: deque[PoseStamped] = deque(maxlen=PATH_POSES)
        self._way_stamp = 0

    def close(self) -> None:
        for publisher in (self._pose, self._path, self._matches):
            self._node.destroy_lifecycle_publisher(publisher)

    def publish(
        self, stamp: int, active: ActiveMap, fix: Fix, placement: Placement, broadcast: Broadcast
    ) -> None:
        top = header(stamp, active.frame)
        self._pose.publish(pose_message(top, placement.T_map_pose, placement.covariance))
        if placement.T_map_child is not None:
            broadcast(placement.tf_stamp, active.frame, placement.child, placement.T_map_child)
        if self._matches.get_subscription_count():
            self._matches.publish(match_markers(top, fix, inlier_points(active, fix)))
        if self._path.get_subscription_count():
            self._extend_path(stamp, top, placement.T_map_pose)

    def _extend_path(self, stamp: int, top: Header, T_map_pose: Array) -> None:
        if 0 <= stamp - self._way_stamp < PATH_STEP:
            return
        if stamp < self._way_stamp:
            self._way.clear()
        self._way_stamp = stamp
        self._way.append(pose_stamped(top, T_map_pose))
        self._path.publish(Path(header=top, poses=list(self._way)))


def inlier_points(active: ActiveMap, fix: Fix) -> Array:
    """The matched map points (K, 3) in the map's own frame."""
    point_map = active.localizer.map_model.point_map
    return point_map.points[fix.point_index].astype(np.float64) + point_map.origin


def match_markers(top: Header, fix: Fix, points: Array) -> MarkerArray:
    """Matched map points, and a ray to each from the camera."""
    spots = [Point(x=x, y=y, z=z) for x, y, z in points.tolist()]
    camera = Point(**dict(zip("xyz", fix.T_map_camera[:3, 3].tolist(), strict=True)))
    rays = [end for spot in spots for end in (camera, spot)]
    return MarkerArray(
        markers=[
            _marker(top, "matched points", Marker.SPHERE_LIST, spots, 0.06, _GREEN),
            _marker(top, "rays", Marker.LINE_LIST, rays, 0.005, _FAINT_GREEN),
        ]
    )


def _marker(
    top: Header, namespace: str, kind: int, points: list[Point], size: float, colour: ColorRGBA
) -> Marker:
    marker = Marker(header=top, ns=namespace, type=kind, action=Marker.ADD, points=points)
    marker.pose.orientation.w = 1.0
    marker.scale = Vector3(x=size, y=size, z=size)
    marker.color = colour
    marker.lifetime = Duration(sec=1)
    return marker
