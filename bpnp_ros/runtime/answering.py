"""A keypoint message in, a fix or a rejection out: what node and replay have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from bpnp_ros.errors import BpnpError, CameraError, KeypointError, MapError
from bpnp_ros.keypoints.keypoints import Keypoints, TooFewKeypointsError
from bpnp_ros.localizer.prior import PosePrior
from bpnp_ros.localizer.types import Category, Fix, Rejection
from bpnp_ros.map_model.mounting import Holding, asks_for_height, height_of, upright
from bpnp_ros.runtime.cameras import Cameras, NoCameraError
from bpnp_ros.runtime.conversions import frame_of, nanoseconds
from bpnp_ros.runtime.maps import ActiveMap, Maps
from bpnp_ros.runtime.stamps import Stamps
from bpnp_ros.runtime.tf.gravity import TellUp
from bpnp_ros.runtime.tf_buffer import NEWEST, NoTransformError

if TYPE_CHECKING:
    from sensor_msgs.msg import PointCloud2

GivePrior = Callable[[ActiveMap, str], PosePrior | None]
"""From the map and the camera's frame to what is known of the pose beforehand."""

GiveOdometry = Callable[[str, int], NDArray[np.float64] | None]
"""From the camera's frame and a stamp, nanoseconds, to T_odom_camera (4, 4) where it is known."""

LookUp = Callable[[str, str, int], NDArray[np.float64]]
"""T_target_source (4, 4) by target, source and stamp (nanoseconds). Raises NoTransformError."""

_CATEGORIES: dict[type[BpnpError], Category] = {
    MapError: Category.NO_MAP,
    NoCameraError: Category.NO_CAMERA_INFO,
    CameraError: Category.BAD_CAMERA_INFO,
    TooFewKeypointsError: Category.TOO_FEW_KEYPOINTS,
    KeypointError: Category.BAD_KEYPOINTS,
    NoTransformError: Category.NO_TRANSFORM,
}


def rejection_for(error: Exception) -> Rejection:
    """The error as an answer."""
    if isinstance(error, BpnpError):
        kind = next((k for k in _CATEGORIES if isinstance(error, k)), None)
        return Rejection(_CATEGORIES[kind] if kind else Category.INTERNAL_ERROR, str(error))
    if not isinstance(error, torch.AcceleratorError) and not _names_a_gpu(error):
        return Rejection(Category.INTERNAL_ERROR, f"{type(error).__name__}: {error}")
    cause = str(error).splitlines()[0]
    if isinstance(error, torch.OutOfMemoryError):
        text = f"the GPU has too little memory ({cause}): free some of it, or set device to cpu."
    else:
        text = f"the GPU cannot be used any longer ({cause}): start the node again, or set "
        text += "device to cpu."
    return Rejection(Category.INTERNAL_ERROR, text)


def _names_a_gpu(error: Exception) -> bool:
    """Also errors of its libraries, which are plain RuntimeErrors: CUDA, cuBLAS, cuDNN."""
    words = ("cuda", "cublas", "cudnn")
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in words)


class Answering:
    """`on_jump_back` is told when time has started anew."""

    def __init__(
        self,
        maps: Maps,
        cameras: Cameras,
        look_up: LookUp,
        on_jump_back: Callable[[], None],
        odometry: GiveOdometry = lambda camera, stamp: None,
        tell_up: TellUp | None = None,
    ) -> None:
        self._maps, self._cameras = maps, cameras
        self._look_up, self._odometry, self._tell_up = look_up, odometry, tell_up
        self.stamps = Stamps(on_jump_back)
        self.keypoints: Keypoints | None = None
        """Those of the last message that could be read."""

    def answer(
        self,
        message: PointCloud2,
        arrived: int,
        prior: GivePrior = lambda active, camera: None,
    ) -> Fix | Rejection:
        """The localiser's answer. Raises BpnpError for a message that never gets that far.

        arrived: when it did, nanoseconds of any clock that runs at the pace of the stamps'.
        """
        self.keypoints = None
        stamp = nanoseconds(message.header.stamp)
        self.stamps.check(stamp, arrived)
        camera = frame_of(message.header)
        self.mount(camera)
        active = self._maps.active
        if active is None:
            raise MapError(self._maps.refusal or "there is no map yet.")
        self.keypoints = self._cameras.keypoints(message)
        return active.localizer.localize(
            self.keypoints,
            stamp=stamp / 1e9,
            prior=prior(active, camera),
            odometry=self._odometry(camera, stamp),
        )

    def mount(self, camera: str) -> None:
        """Ask how a camera is held, if a map waits for that.

        Raises NoTransformError that says what else would do, and MapError.
        """
        if self._maps.waiting is None:
            return
        try:
            T_level_camera, source = self._level_camera(camera)
        except NoTransformError as error:
            raise NoTransformError(
                f"how the camera is mounted is not known: {error} Publish it (a static transform "
                "will do), or set camera_mounting."
            ) from error
        height = self._height(camera, self._maps.waiting.frame)
        if height is not None:
            source += f", height from TF '{self._maps.waiting.frame}' to '{camera}'"
        self._maps.mount(Holding(T_level_camera, height, source))

    def _level_camera(self, camera: str) -> tuple[NDArray[np.float64], str]:
        """T_level_camera (4, 4), and who says so."""
        if self._maps.asks_gravity and self._tell_up is not None:
            up, source = self._tell_up(camera)
            return upright(up), f"held as gravity by {source} says"
        base = self._maps.settings.base_frame
        return self._look_up(base, camera, NEWEST), f"mounting from TF '{base}' to '{camera}'"

    def _height(self, camera: str, map_frame: str) -> float | None:
        """Of the camera in the map, where it is asked for and TF leads there."""
        config = self._maps.engine.config
        if not asks_for_height(config):
            return None
        try:
            return height_of(config, self._look_up(map_frame, camera, NEWEST))
        except NoTransformError:
            return None
