"""How every node is started and ended: advice instead of tracebacks, Ctrl-C at any moment."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NoReturn

from bpnp_ros.command import exit_status
from bpnp_ros.errors import BpnpError, ConfigError

ADVICE = "source your ROS 2 (. /opt/ros/<distro>/setup.bash), or see docs/installation.md"
_SOURCE = re.compile(r", at /\S+:\d+")  # the lines of rcl that an error went through


@contextlib.contextmanager
def ros_needed() -> Iterator[None]:
    """Around the import of what needs ROS, where there may be none: BpnpError with advice."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("bpnp_ros"):
            raise
        raise BpnpError(f"{error.name} is not installed: {ADVICE}") from error


def node_command(module: str, name: str) -> Callable[[], None]:
    """`main` for the node class `name` of `module`, which is imported when it runs.

    The class has `start()`, called before spinning, and `close()`, called after.
    """

    def main() -> None:
        signal.signal(signal.SIGINT, lambda *_: _leave())
        with contextlib.suppress(KeyboardInterrupt):
            _leave(exit_status(lambda: _run(module, name)))
        _leave()

    return main


def _interrupt_once(*_: object) -> None:
    """`ros2 launch` passes Ctrl-C on a second time, amid the clean-up that the first one began."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(module: str, name: str) -> None:
    with ros_needed():
        import rclpy
        from rclpy.exceptions import ParameterException

        node_class = getattr(import_module(module), name)
    try:
        signal.signal(signal.SIGINT, _interrupt_once)
        _begin(rclpy)
        with contextlib.suppress(KeyboardInterrupt):
            _spin(node_class())
    except ParameterException as error:
        raise ConfigError(f"a parameter of {name} cannot be used: {error}") from error
    finally:
        if rclpy.ok():
            rclpy.shutdown()


def _begin(rclpy: Any) -> None:
    """rclpy.init. Raises ConfigError for arguments, and files of parameters, that it refuses."""
    try:
        rclpy.init()
    except Exception as error:  # rcl has its own kinds, which other versions spell differently
        what = _SOURCE.sub("", str(error)).removeprefix("failed to initialize rcl: ")
        raise ConfigError(
            f"ROS cannot be started: {what}; check what follows --ros-args."
        ) from error


class _ToRos(logging.Handler):
    """What the core logs, which knows nothing of ROS, among the node's own log."""

    def __init__(self, logger: Any) -> None:
        super().__init__(logging.INFO)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self._logger.warning(record.getMessage())
        else:
            self._logger.info(record.getMessage())


def _spin(node: Any) -> None:
    from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

    executor = SingleThreadedExecutor()
    executor.add_node(node)
    logging.getLogger("bpnp_ros").addHandler(_ToRos(node.get_logger()))
    logging.getLogger("bpnp_ros").setLevel(logging.INFO)
    try:
        node.start()
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        node.close()
        node.destroy_node()


def _leave(status: int = 0) -> NoReturn:
    """Without the interpreter's own end: it takes a second of tidying up torch, and `ros2 launch`
    kills after five; and it would crash around a thread that is still deep in torch."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
