"""Raw bytes of an image message -> a grey image, or an error that says what is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import opencv
from bpnp_ros.errors import KeypointError

GreyImage = NDArray[np.uint8]
Bytes = bytes | bytearray | memoryview | NDArray[np.uint8]


@dataclass(frozen=True)
class Layout:
    """How one pixel lies in memory, and OpenCV's name for the way to grey (None: it is grey)."""

    dtype: str
    channels: int
    to_grey: str | None = None


# OpenCV names a Bayer pattern after its second row and column, ROS after the first.
_BAYER = {"rggb": "BG", "bggr": "RG", "gbrg": "GR", "grbg": "GB"}

LAYOUTS = {
    "mono8": Layout("u1", 1),
    "8UC1": Layout("u1", 1),
    "mono16": Layout("u2", 1),
    "16UC1": Layout("u2", 1),
    "bgr8": Layout("u1", 3, "COLOR_BGR2GRAY"),
    "8UC3": Layout("u1", 3, "COLOR_BGR2GRAY"),
    "rgb8": Layout("u1", 3, "COLOR_RGB2GRAY"),
    "bgra8": Layout("u1", 4, "COLOR_BGRA2GRAY"),
    "rgba8": Layout("u1", 4, "COLOR_RGBA2GRAY"),
    "yuv422": Layout("u1", 2, "COLOR_YUV2GRAY_UYVY"),
    "uyvy": Layout("u1", 2, "COLOR_YUV2GRAY_UYVY"),
    "yuv422_yuy2": Layout("u1", 2, "COLOR_YUV2GRAY_YUY2"),
    "yuyv": Layout("u1", 2, "COLOR_YUV2GRAY_YUY2"),
    **{f"bayer_{p}8": Layout("u1", 1, f"COLOR_Bayer{cv}2GRAY") for p, cv in _BAYER.items()},
    **{f"bayer_{p}16": Layout("u2", 1, f"COLOR_Bayer{cv}2GRAY") for p, cv in _BAYER.items()},
}


def decode_image(
    data: Bytes, width: int, height: int, step: int, encoding: str, is_bigendian: bool = False
) -> GreyImage:
    """The fields of a sensor_msgs/Image -> grey image (height, width) uint8.

    16-bit images are stretched between their darkest and brightest pixel. Raises KeypointError
    for an unknown encoding, sizes that do not fit together, and data that was cut off.
    """
    layout = LAYOUTS.get(encoding)
    if layout is None:
        raise KeypointError(
            f"image encoding '{encoding}' is not known; known are {', '.join(LAYOUTS)}."
        )
    dtype = np.dtype(layout.dtype).newbyteorder(">" if is_bigendian else "<")
    row = width * layout.channels * dtype.itemsize
    if width <= 0 or height <= 0 or step < row:
        raise KeypointError(
            f"an image of {width} x {height} pixels in {encoding} does not fit into rows of {step} "
            "bytes; the driver fills width, height or step wrongly."
        )
    content = np.frombuffer(data, np.uint8)
    if len(content) < step * height:
        raise KeypointError(
            f"image data was cut off: {len(content)} bytes instead of {step * height}."
        )
    rows = np.ascontiguousarray(content[: step * height].reshape(height, step)[:, :row])
    pixels = _to_eight_bits(rows.view(dtype).reshape(height, width, layout.channels))
    if layout.to_grey is None:
        return pixels[..., 0]
    return opencv.convert(pixels, layout.to_grey)


def decode_compressed(data: Bytes) -> GreyImage:
    """The data of a sensor_msgs/CompressedImage, JPEG or PNG -> grey image (height, width) uint8.

    Raises KeypointError for other formats and for data that was cut off or is damaged.
    """
    content = bytes(data)
    if content.startswith(b"\xff\xd8"):
        complete = content.rfind(b"\xff\xd9") > content.rfind(b"\xff\xda") > 0
    elif content.startswith(b"\x89PNG"):
        complete = b"IEND" in content[-64:]
    else:
        raise KeypointError(
            f"compressed image of {len(content)} bytes is neither JPEG nor PNG; "
            "set the camera's image_transport to one of them."
        )
    image = opencv.decode_grey(content) if complete else None
    if image is None:
        raise KeypointError(f"compressed image of {len(content)} bytes was cut off or is damaged.")
    return image


def _to_eight_bits(pixels: NDArray[np.unsignedinteger]) -> NDArray[np.uint8]:
    if pixels.dtype.itemsize == 1:
        return pixels.astype(np.uint8, copy=False)
    darkest = int(pixels.min())
    spread = max(int(pixels.max()) - darkest, 1)
    return ((pixels - darkest) * (255.0 / spread)).round().astype(np.uint8)
