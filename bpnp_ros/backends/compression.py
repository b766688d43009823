"""Unpacking what a bag holds compressed, and never more than a bag can mean.

A few kilobytes may unpack to gigabytes, by damage or by malice; the bounds hold before that memory
or disk is taken.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from bpnp_ros.errors import BagError

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MOST_UNPACKED = 1 << 28  # bytes of a message or chunk
MOST_TIMES = 100  # as large as it was, where that is more: a whole file, on disk
_BLOCK = 1 << 20  # bytes


def decompress_file(path: Path, target: Path) -> str:
    """Write a file that is compressed as a whole to `target`, as far as it can be read.

    Returns what is wrong with it, empty for nothing. Raises BagError where it would grow too large.
    """
    zstd = _zstd()
    left = max(MOST_UNPACKED, MOST_TIMES * path.stat().st_size)
    with path.open("rb") as packed, zstd.ZstdFile(packed) as source, target.open("wb") as out:
        try:
            while block := source.read1(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise BagError(
                        f"{path} unpacks to more than {MOST_TIMES} times its size; if that is "
                        "right, unpack it yourself: zstd -d."
                    )
                out.write(block)
        except EOFError:
            return f"{path} was cut off"
        except zstd.ZstdError as error:
            return f"{path} is damaged ({error})"
    return ""


def unpacked(raw: bytes) -> bytes:
    """A message, decompressed if it was compressed by itself. Raises BagError."""
    return decompress("zstd", raw) if raw.startswith(ZSTD_MAGIC) else raw


def decompress(name: str, data: bytes) -> bytes:
    """As much as there is of a message or chunk. Raises BagError for damage, and for too much."""
    if not name:
        return data
    try:
        found = bytes(_decompressor(name).decompress(data, max_length=MOST_UNPACKED + 1))
    except BagError:
        raise
    except Exception as error:  # each compression has its own, and they have moved between modules
        raise BagError(f"damaged {name} data: {error}") from error
    if len(found) > MOST_UNPACKED:
        raise BagError(f"{len(data)} bytes unpack to more than {MOST_UNPACKED >> 20} MiB")
    return found


def _decompressor(name: str) -> Any:
    if name == "zstd":
        return _zstd().ZstdDecompressor()
    if name == "lz4":
        import lz4.frame

        return lz4.frame.LZ4FrameDecompressor()
    raise BagError(f"compression {name} is not known")


def _zstd() -> ModuleType:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
