"""All cases, by name."""

from __future__ import annotations

from experiments.trust.worlds import in_buildings, in_the_zoo
from experiments.trust.worlds.case import Case

CASES: dict[str, Case] = {case.name: case for case in in_buildings.CASES + in_the_zoo.CASES}
