"""Input `number` of a seed: made, given to the product, and what became of it."""

from __future__ import annotations

import pickle
import traceback
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from fuzz import bags, clouds, lenses, maps, poses, scenes, texts, weights

from bpnp_ros.errors import BpnpError

GROUPS = (clouds, lenses, poses, maps, bags, scenes, weights, texts)
KINDS = {name: kind for group in GROUPS for name, kind in group.KINDS.items()}
LONGEST_MESSAGE = 1100  # letters; a sentence may quote what it refuses, but not a whole file

REFUSED, ANSWERED = "refused", "answered"


class Outcome(NamedTuple):
    """refused, answered, or what went wrong."""

    number: int
    result: str


def kind_of(number: int) -> str:
    """All kinds come in turn."""
    return list(KINDS)[number % len(KINDS)]


def attempt(seed: int, number: int, folder: Path) -> Outcome:
    """Make the input in an empty folder, and give it to the product."""
    kind = KINDS[kind_of(number)]
    given = kind.make(np.random.default_rng([seed, number]), folder)
    if not isinstance(given, Path):
        (folder / "message.pickle").write_bytes(pickle.dumps(given))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # of NumPy: numbers that overflow
            kind.take(given)
    except BpnpError as error:
        too_long = len(str(error)) > LONGEST_MESSAGE
        return Outcome(number, f"a message of {len(str(error))} letters" if too_long else REFUSED)
    except Exception as error:
        return Outcome(number, _told(error))
    return Outcome(number, ANSWERED)


def _told(error: Exception) -> str:
    """What was raised, and where in the product."""
    frames = traceback.extract_tb(error.__traceback__)
    at = next((f for f in reversed(frames) if "/test/" not in f.filename), frames[-1])
    where = f"{Path(at.filename).name}:{at.lineno}"
    return f"{type(error).__name__}: {str(error)[:300]} ({where})"
