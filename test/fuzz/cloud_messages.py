"""Clouds as messages, as a driver should send them and as none should."""

from __future__ import annotations

import array
from types import SimpleNamespace
from typing import Any

import numpy as np
from fuzz.damage import ODD_NAMES, odd_count, one_of, with_odd_numbers

from bpnp_ros.runtime.packing import pack


def cloud(columns: dict[str, np.ndarray], frame: str) -> SimpleNamespace:
    """A cloud as a driver should send it."""
    packed = pack(columns)
    stamp = SimpleNamespace(sec=1_700_000_000, nanosec=5)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp, frame_id=frame),
        height=1,
        width=packed.width,
        fields=[SimpleNamespace(**field) for field in packed.fields],
        is_bigendian=False,
        point_step=packed.point_step,
        row_step=len(packed.data),
        data=packed.data,
        is_dense=packed.is_dense,
    )


def damage_cloud(message: SimpleNamespace, rng: np.random.Generator) -> None:
    """Change one to three of its parts to what the wire can carry."""
    for _ in range(rng.integers(1, 4)):
        kind = rng.integers(6)
        if kind == 0:
            name = one_of(rng, ("height", "width", "point_step", "row_step"))
            setattr(message, name, odd_count(rng))
        elif kind == 1 and message.fields:
            _damage_field(message.fields, rng)
        elif kind == 2:
            message.is_bigendian = bool(rng.integers(2))
        elif kind == 3:
            message.header.frame_id = one_of(rng, ODD_NAMES)
        elif kind == 4:
            message.header.stamp.sec = one_of(rng, (0, -1, -(1 << 31), (1 << 31) - 1))
        else:
            message.data = _damaged_data(message.data, rng)
    message.data = _in_some_type(message.data, rng)


def _damage_field(fields: list[SimpleNamespace], rng: np.random.Generator) -> None:
    field = one_of(rng, fields)
    kind = rng.integers(6)
    if kind == 0:
        field.name = one_of(rng, (*ODD_NAMES, "u", "x", "score", "rgb"))
    elif kind == 1:
        field.datatype = int(rng.integers(12))
    elif kind == 2:
        field.offset = odd_count(rng)
    elif kind == 3:
        field.count = odd_count(rng)
    elif kind == 4:
        fields.remove(field)
    else:
        fields.append(SimpleNamespace(**vars(field)))


def _damaged_data(data: bytes, rng: np.random.Generator) -> bytes:
    kind, at = rng.integers(3), int(rng.integers(len(data) + 1))
    return (data[:at], data + rng.bytes(at), rng.bytes(len(data)))[kind]


def _in_some_type(data: bytes, rng: np.random.Generator) -> Any:
    """As rclpy, rosbags and others hold them."""
    forms: list[Any] = [data, array.array("B", data), np.frombuffer(data, np.uint8)]
    return forms[rng.integers(3)]


def columns_of(values: np.ndarray, names: str, rng: np.random.Generator) -> dict[str, Any]:
    """float32, or float64, of values (M, len(names)); a score and cues beside them, at times."""
    real = one_of(rng, ("f4", "f8"))
    beside = [name for name in ("score", "size", "label", "rgb") if rng.random() < 0.2]
    with np.errstate(over="ignore"):
        columns = {name: column.astype(real) for name, column in zip(names, values.T, strict=True)}
        odd = {name: with_odd_numbers(rng.random(len(values)), rng) for name in beside}
        return {**columns, **{name: column.astype("f4") for name, column in odd.items()}}


def odd_values(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The values (M, C): as they are, some odd, none, one again and again, or many random ones."""
    kind = rng.integers(6)
    if kind == 0:
        return values[:0]
    if kind == 1:
        return np.repeat(values[:1], len(values), axis=0)
    if kind == 2:
        return with_odd_numbers(values, rng)
    if kind == 3:
        spread = float(one_of(rng, (1e-6, 1.0, 500.0, 1e6, 1e30)))
        return spread * rng.normal(size=(rng.integers(1, 3000), values.shape[1]))
    return values
