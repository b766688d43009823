"""LZF, with which `binary_compressed` .pcd files are packed (liblzf by Marc Lehmann)."""

from __future__ import annotations

MOST_SHRUNK = 88  # three bytes unpack to 264 at most


def unpack(packed: bytes, size: int) -> bytearray:
    """The `size` bytes that were packed. Raises ValueError for damaged data."""
    out, at, end = bytearray(), 0, len(packed)
    try:
        while at < end and len(out) <= size:
            control = packed[at]
            at += 1
            if control < 32:  # so many bytes, and one, as they are
                out += packed[at : at + control + 1]
                at += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += packed[at]
                at += 1
            back = ((control & 31) << 8 | packed[at]) + 1
            at += 1
            _repeat(out, back, length + 2)
    except IndexError as error:
        raise ValueError("it ends within a word") from error
    if len(out) != size:
        raise ValueError(f"{len(out)} bytes or more instead of {size}")
    return out


def _repeat(out: bytearray, back: int, length: int) -> None:
    """Append `length` bytes that begin `back` bytes before the end, and may overlap it."""
    start = len(out) - back
    if start < 0:
        raise ValueError("it points before its beginning")
    piece = out[start : start + length]
    out += piece if back >= length else (piece * (length // back + 1))[:length]
