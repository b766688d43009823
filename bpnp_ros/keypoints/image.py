"""Raw bytes of an image message -> grey and colours, or an error that says what is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bpnp_ros.backends import opencv
from bpnp_ros.errors import KeypointError
from bpnp_ros.keypoints.image_header import check_size, image_size

GreyImage = NDArray[np.uint8]
Bytes = bytes | bytearray | memoryview | NDArray[np.uint8]

_DARKEST, _BRIGHTEST = 0.1, 99.9  # percent of the pixels that a stretch leaves darker


@dataclass(frozen=True, eq=False)
class Image:
    """grey: (H, W) uint8; rgb: (H, W, 3) uint8, None where the camera sees no colours. deep: (H, W)
    float32, what a grey image of more than 8 bits held before it was stretched to them."""

    grey: GreyImage
    rgb: NDArray[np.uint8] | None = None
    deep: NDArray[np.float32] | None = None

    def __array__(
        self, dtype: np.dtype | None = None, copy: bool | None = None
    ) -> NDArray[np.generic]:
        """As an array an image is its grey values."""
        return np.asarray(self.grey, dtype)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.grey.shape[1], self.grey.shape[0]


@dataclass(frozen=True)
class Layout:
    """How one pixel lies in memory, OpenCV's name for it in its conversions ("" if it is grey),
    and the rows of data for each row of pixels."""

    dtype: str
    channels: int
    name: str = ""
    rows: float = 1


# OpenCV names a Bayer pattern after its second row and column, ROS after the first.
_BAYER = {"rggb": "BG", "bggr": "RG", "gbrg": "GR", "grbg": "GB"}

LAYOUTS = {
    "mono8": Layout("u1", 1),
    "8UC1": Layout("u1", 1),
    "mono16": Layout("u2", 1),
    "16UC1": Layout("u2", 1),
    "32FC1": Layout("f4", 1),
    "bgr8": Layout("u1", 3, "BGR"),
    "8UC3": Layout("u1", 3, "BGR"),
    "rgb8": Layout("u1", 3, "RGB"),
    "bgra8": Layout("u1", 4, "BGRA"),
    "8UC4": Layout("u1", 4, "BGRA"),
    "rgba8": Layout("u1", 4, "RGBA"),
    "bgr16": Layout("u2", 3, "BGR"),
    "16UC3": Layout("u2", 3, "BGR"),
    "rgb16": Layout("u2", 3, "RGB"),
    "bgra16": Layout("u2", 4, "BGRA"),
    "16UC4": Layout("u2", 4, "BGRA"),
    "rgba16": Layout("u2", 4, "RGBA"),
    "yuv422": Layout("u1", 2, "YUV_UYVY"),
    "uyvy": Layout("u1", 2, "YUV_UYVY"),
    "yuv422_yuy2": Layout("u1", 2, "YUV_YUY2"),
    "yuyv": Layout("u1", 2, "YUV_YUY2"),
    "nv12": Layout("u1", 1, "YUV_NV12", 1.5),
    "nv21": Layout("u1", 1, "YUV_NV21", 1.5),
    "nv24": Layout("u1", 1, "", 3),
    **{f"bayer_{p}8": Layout("u1", 1, f"Bayer{cv}") for p, cv in _BAYER.items()},
    **{f"bayer_{p}16": Layout("u2", 1, f"Bayer{cv}") for p, cv in _BAYER.items()},
}


def decode_image(
    data: Bytes, width: int, height: int, step: int, encoding: str, is_bigendian: bool = False
) -> Image:
    """The fields of a sensor_msgs/Image -> grey and, where there are any, colours.

    More than 8 bits are stretched between the darkest and the brightest thousandth of the pixels,
    all channels alike, so that hot and dead pixels do not matter; grey ones are kept as `deep`. Of
    nv24 only the grey is read. Raises KeypointError for an unknown encoding, sizes that do not fit
    together, and data that was cut off.
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
    check_size(width, height)
    row_count = math.ceil(height * layout.rows)
    if layout.rows == 3:  # chroma in rows of twice the width: the grey ones are all that is read
        row_count = height
    content = np.frombuffer(data, np.uint8)
    needed = step * (row_count - 1) + row  # some drivers leave out the last row's padding
    if len(content) < needed:
        raise KeypointError(
            f"image data was cut off: {len(content)} bytes instead of {step * row_count}."
        )
    strided = np.lib.stride_tricks.as_strided(content, (row_count, row), (step, 1))
    rows = np.ascontiguousarray(strided).view(dtype)
    return _image(rows.reshape(row_count, width, layout.channels), layout.name, height)


def _image(values: NDArray[np.generic], name: str, height: int) -> Image:
    """Values (H, W, C) of any depth -> the image; `name` as in `Layout`."""
    image = _converted(_to_eight_bits(values), name, height)
    if values.dtype.itemsize == 1 or values.shape[2] > 1 or name:
        return image
    deep = values[..., 0].astype(np.float32)
    known = deep[np.isfinite(deep)]
    darkest = float(known.min()) if len(known) else 0.0
    return replace(image, deep=np.nan_to_num(deep, nan=darkest, posinf=darkest, neginf=darkest))


def _converted(pixels: NDArray[np.uint8], name: str, height: int) -> Image:
    """name: as in `Layout`; half a cell at the end of an odd YUV or Bayer image has no colour."""
    if name.startswith("YUV_NV"):
        even = height % 2 == 0 and pixels.shape[1] % 2 == 0
        rgb = opencv.convert(pixels, f"COLOR_YUV2RGB{name[3:]}") if even else None
        return Image(np.ascontiguousarray(pixels[:height, :, 0]), rgb)
    if not name:
        return Image(np.ascontiguousarray(pixels[..., 0]))
    if name.startswith("YUV_"):
        grey = pixels[..., 1 if name.endswith("UYVY") else 0]
        even = pixels.shape[1] % 2 == 0
        rgb = opencv.convert(pixels, f"COLOR_YUV2RGB{name[3:]}") if even else None
        return Image(np.ascontiguousarray(grey), rgb)
    if name.startswith("Bayer") and min(pixels.shape[:2]) < 3:
        return Image(np.ascontiguousarray(pixels[..., 0]))
    grey = opencv.convert(pixels, f"COLOR_{name}2GRAY")
    return Image(grey, pixels if name == "RGB" else opencv.convert(pixels, f"COLOR_{name}2RGB"))


def decode_compressed(data: Bytes) -> Image:
    """The data of a sensor_msgs/CompressedImage, JPEG or PNG, as stored -> grey and colours.

    EXIF orientation is not obeyed: calibrations and COLMAP models are of the image as stored.
    Raises KeypointError for other formats, data that was cut off or is damaged, and a header that
    claims more pixels than `image_header.MOST_PIXELS`.
    """
    content = bytes(data)
    image_size(content)
    if content.startswith(b"\xff\xd8"):
        complete = content.rfind(b"\xff\xd9") > content.rfind(b"\xff\xda") > 0
    else:
        complete = b"IEND" in content[-64:]
    decoded = opencv.decode(content) if complete else None
    if decoded is None:
        raise KeypointError(f"compressed image of {len(content)} bytes was cut off or is damaged.")
    values = decoded.reshape(*decoded.shape[:2], -1)
    return _image(values, {1: "", 3: "BGR", 4: "BGRA"}[values.shape[2]], len(values))


def _to_eight_bits(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Deeper pixels (H, W, C) stretched; those that are not finite are as dark as the darkest."""
    if pixels.dtype.itemsize == 1:
        return pixels.astype(np.uint8, copy=False)
    values = pixels.astype(np.float32)
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return np.zeros(pixels.shape, np.uint8)
    darkest, brightest = np.percentile(finite, (_DARKEST, _BRIGHTEST))
    if brightest <= darkest:
        darkest, brightest = float(finite.min()), float(finite.max())
    with np.errstate(all="ignore"):
        share = (values - darkest) / max(brightest - darkest, np.finfo(np.float32).tiny)
    return (255 * np.nan_to_num(share, posinf=0, neginf=0).clip(0, 1)).round().astype(np.uint8)
