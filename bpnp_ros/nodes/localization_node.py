"""The localization node: a lifecycle around the pipeline. docs/interface.md is its contract."""

from __future__ import annotations

import gc
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import CameraInfo, Imu, PointCloud2
from std_srvs.srv import SetBool, Trigger

from bpnp_ros.configuration.parameters import KeypointConfig, LocalizationSettings, LocalizerConfig
from bpnp_ros.errors import BpnpError
from bpnp_ros.nodes.diagnostics import diagnostics
from bpnp_ros.nodes.messages import header
from bpnp_ros.nodes.outputs import Outputs
from bpnp_ros.nodes.parameters import Parameters
from bpnp_ros.nodes.pipeline import Pipeline
from bpnp_ros.nodes.qos import LATCHED, RELIABLE, SENSOR, subscribe
from bpnp_ros.nodes.report import Report, active_report, inactive_report
from bpnp_ros.nodes.tf import Transforms
from bpnp_ros.runtime.cameras import Cameras
from bpnp_ros.runtime.engine import Engine
from bpnp_ros.runtime.maps import BuildsLocalizers, Maps
from bpnp_ros.runtime.tally import Tally

CONFIGURATIONS = (LocalizationSettings, KeypointConfig, LocalizerConfig)

Success = TransitionCallbackReturn.SUCCESS
Failure = TransitionCallbackReturn.FAILURE
MakeEngine = Callable[[LocalizationSettings, LocalizerConfig], BuildsLocalizers]


@dataclass(frozen=True, eq=False)
class _Configured:
    """What lasts from configure to clean-up."""

    maps: Maps
    cameras: Cameras
    outputs: Outputs


class LocalizationNode(LifecycleNode):
    """configure: parameters, weights, map file. activate: subscriptions. The way back frees all."""

    def __init__(self, make_engine: MakeEngine = Engine.from_settings, **arguments: Any) -> None:
        super().__init__("localization", **arguments)
        self._make_engine = make_engine
        self._configuration = Parameters(self, CONFIGURATIONS)
        self._configuration.fix_while(self._in_use, self._tune)
        self._failure = ""
        self._logged_state = ""
        self._tally = Tally()
        self._configured: _Configured | None = None
        self._transforms: Transforms | None = None
        self._pipeline: Pipeline | None = None
        self._listening: list[Subscription] = []
        self._alive: Timer | None = None
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(1.0, self._publish_diagnostics, clock=steady)
        self.create_service(Trigger, "~/relocalize", self._on_relocalize)
        self.create_service(SetBool, "~/enable", self._on_enable)
        back = JumpThreshold(
            min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False
        )
        self._jump = self.get_clock().create_jump_callback(back, post_callback=self._on_jump)

    def start(self) -> None:
        """Configure and activate, unless a manager is to. A failure leaves the node waiting."""
        if self.get_parameter("autostart").value and self.trigger_configure() == Success:
            self.trigger_activate()

    def close(self, patience: float = 2.0) -> None:
        """Stop listening and computing; wait at most `patience` seconds for what is under way."""
        for subscription in self._listening:
            self.destroy_subscription(subscription)
        self._listening = []
        if self._alive is not None:
            self.destroy_timer(self._alive)
            self._alive = None
        if self._pipeline is not None:
            self._pipeline.close(patience)
            self._pipeline = None
        if self._transforms is not None:
            self._transforms.close()
            self._transforms = None

    # lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._attempt(self._configure, self._free)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        result = self._attempt(self._activate, self.close)
        return super().on_activate(state) if result == Success else result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.close()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._free()
        return Success

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.close()
        self._free()
        return Success

    def _attempt(
        self, step: Callable[[], None], undo: Callable[[], Any]
    ) -> TransitionCallbackReturn:
        """A step that fails says why, in the log and the diagnostics, and leaves nothing behind."""
        self._failure = ""
        try:
            step()
            return Success
        except BpnpError as error:
            self._failure = str(error)
        except Exception as error:
            self._failure = f"{type(error).__name__}: {error}"
            self.get_logger().debug(traceback.format_exc())
        self.get_logger().error(self._failure)
        undo()
        return Failure

    def _configure(self) -> None:
        settings = self._configuration.read(LocalizationSettings)
        cameras = Cameras(settings, self._configuration.read(KeypointConfig))
        engine = self._make_engine(settings, self._configuration.read(LocalizerConfig))
        maps = Maps(settings, engine)
        if settings.map_file:
            maps.load_file()
        elif settings.weights:
            maps.use_bundle()
        self._configured = _Configured(maps, cameras, Outputs(self))

    def _activate(self) -> None:
        parts = self._configured
        assert parts is not None, "the state machine configures before it activates"
        self._tally = Tally()
        self._transforms = Transforms(self)
        self._pipeline = Pipeline(
            parts.maps,
            parts.cameras,
            self._transforms,
            parts.outputs,
            self._tally,
            self._publish_diagnostics,
            lambda: int(self.get_clock().now().nanoseconds),
            self.get_logger(),
        )
        settings = parts.maps.settings
        self._listen(self._pipeline, from_topic=not settings.map_file)
        if settings.tf_mode == "odom" and settings.transform_publish_period:
            self._alive = self.create_timer(
                settings.transform_publish_period, self._pipeline.keep_map_to_odom_alive
            )

    def _listen(self, to: Pipeline, from_topic: bool) -> None:
        def add(kind: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile) -> None:
            tell = partial(to.mismatches.__setitem__, topic)
            self._listening.append(subscribe(self, kind, topic, callback, qos, tell))

        add(PointCloud2, "keypoints", to.on_keypoints, SENSOR)
        add(CameraInfo, "camera_info", to.on_camera_info, SENSOR)
        add(PoseWithCovarianceStamped, "initialpose", to.on_initialpose, RELIABLE)
        if to.maps.asks_gravity:
            add(Imu, "imu", to.gravity.take, SENSOR)
        if from_topic:
            add(PointCloud2, "point_map", to.on_map, LATCHED)

    def _free(self) -> None:
        """Memory of the map, the weights and the device."""
        if self._configured is not None:
            self._configured.outputs.close()
        self._configured = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _in_use(self) -> str:
        if self._configured is None:
            return ""
        return "the node is configured; deactivate and clean it up before you change this."

    def _tune(self, changes: Mapping[str, Any]) -> None:
        """Raises ConfigError."""
        if self._configured is not None:
            self._configured.maps.tune(self._configuration.read(LocalizerConfig, changes))

    # services, clock, diagnostics

    def _on_relocalize(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        report = self._report()
        response.success = report.ready and self._pipeline is not None
        response.message = f"{report.state}: {report.why}"
        if response.success and self._pipeline is not None:
            self._pipeline.forget_motion()
            response.message = "the next keypoints are looked for in the whole map"
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        if self._pipeline is None:
            response.message = "the node is not active; activate it first"
            return response
        self._pipeline.enable(request.data)
        response.success = True
        response.message = f"localization is {'enabled' if request.data else 'disabled'}"
        return response

    def _on_jump(self, _: object) -> None:
        if self._pipeline is not None:
            self._pipeline.forget_time()

    def _report(self) -> Report:
        if self._pipeline is not None:
            return active_report(self._pipeline)
        return inactive_report("INACTIVE" if self._configured else "UNCONFIGURED", self._failure)

    def _publish_diagnostics(self) -> None:
        if not self.context.ok():
            return
        report, top = self._report(), header(self.get_clock().now().nanoseconds, "")
        self._diagnostics.publish(
            diagnostics(top, self.get_fully_qualified_name(), report, self._tally)
        )
        if report.state != self._logged_state:
            self._logged_state = report.state
            self.get_logger().info(f"{report.state}: {report.why}" if report.why else report.state)
