"""The size of a JPEG or PNG image by its header alone, before memory is taken for its pixels."""

from __future__ import annotations

import struct

from bpnp_ros.errors import KeypointError

MOST_PIXELS = 200_000_000  # above any camera's; as grey and colour 0.8 GB
_PNG = b"\x89PNG\r\n\x1a\n"
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}
_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def image_size(content: bytes) -> tuple[int, int]:
    """Width and height as stored. Raises KeypointError for what is neither JPEG nor PNG, for a
    header that was cut off or is damaged, and for more than MOST_PIXELS."""
    if content.startswith(b"\xff\xd8"):
        size = _jpeg_size(content)
    elif content.startswith(_PNG[:4]):
        size = _png_size(content)
    else:
        raise KeypointError(
            f"compressed image of {len(content)} bytes is neither JPEG nor PNG; "
            "set the camera's image_transport to one of them."
        )
    if size is None or 0 in size:
        raise KeypointError(f"compressed image of {len(content)} bytes was cut off or is damaged.")
    check_size(*size)
    return size


def check_size(width: int, height: int) -> None:
    """Raises KeypointError for more than MOST_PIXELS."""
    if width * height > MOST_PIXELS:
        raise KeypointError(
            f"an image of {width} x {height} pixels is larger than the {MOST_PIXELS // 10**6} "
            "million pixels that are read; its header is damaged, or scale it down."
        )


def _png_size(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(_PNG) or content[12:16] != b"IHDR" or len(content) < 24:
        return None
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """From the first frame header (SOFn), segment by segment."""
    at = 2
    while at + 9 <= len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack(">H", content[at + 2 : at + 4])
        if marker in _FRAME_HEADERS:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
