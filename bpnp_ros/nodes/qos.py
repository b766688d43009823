"""How the nodes subscribe: the right QoS, overridable, and a mismatch that says how to mend it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
    qos_profile_sensor_data,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

SENSOR = qos_profile_sensor_data
NEWEST_IMAGE = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)

_POLICIES = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)
_WEAKEST = {"reliability": "best_effort", "durability": "volatile"}


def subscribe(
    node: Node,
    message_type: type,
    topic: str,
    callback: Callable[[Any], None],
    qos: QoSProfile,
    tell: Callable[[str], None] = lambda advice: None,
) -> Subscription:
    """A subscription whose QoS the parameters qos_overrides.<topic>.subscription.* can change.

    A publisher whose QoS does not fit is logged, and `tell` is told, with the parameter that helps.
    """
    full_name = node.resolve_topic_name(topic)

    def advise(event: Any) -> None:
        policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
        parameter = f"qos_overrides.{full_name}.subscription.{policy}"
        value = _WEAKEST.get(policy, "what the publisher offers")
        advice = (
            f"a publisher of {full_name} offers another {policy} than this node asks for, so "
            f"nothing arrives from it; set the parameter '{parameter}' to '{value}'."
        )
        node.get_logger().error(advice)
        tell(advice)

    return node.create_subscription(
        message_type,
        topic,
        callback,
        copy(qos),
        event_callbacks=SubscriptionEventCallbacks(incompatible_qos=advise),
        qos_overriding_options=QoSOverridingOptions(_POLICIES),
    )
