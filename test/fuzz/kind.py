"""What a kind of input is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Kind:
    """make: an input, from random numbers and an empty folder; files and folders lie in it.

    take: gives it to the product, which answers or raises BpnpError; an AssertionError says that
    the answer was no valid one.
    """

    make: Callable[[np.random.Generator, Path], Any]
    take: Callable[[Any], None]
