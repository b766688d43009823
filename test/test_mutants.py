"""Faults that are put into the code are noticed: a few a day, in turn; all with mutants/run.py."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from mutants.run import ROOT, MutantError, all_mutants, chosen

A_DAY = 4
RUN = Path(__file__).parent / "mutants" / "run.py"


@pytest.mark.timeout(600)
def test_the_mutants_of_the_day_are_killed() -> None:
    parts = -(-len(all_mutants()) // A_DAY)
    part = f"{1 + date.today().timetuple().tm_yday % parts}/{parts}"
    done = subprocess.run(
        [sys.executable, RUN, "--part", part], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("killed  ") >= A_DAY - 1
    assert "0 of" in done.stdout


def test_every_mutant_still_fits_the_code_and_is_named_once() -> None:
    mutants = all_mutants()
    for mutant in mutants:
        assert mutant.applied_to((ROOT / mutant.file).read_text()) != ""
        assert all((ROOT / "test" / name).is_file() for name in mutant.tests), mutant.name
    assert max(Counter(mutant.name for mutant in mutants).values()) == 1


def test_a_mutant_whose_text_is_gone_is_an_error_that_says_so() -> None:
    with pytest.raises(MutantError, match=r"'.+': the text .+ is 0 times in bpnp_ros/"):
        all_mutants()[0].applied_to("something else")


def test_all_parts_together_are_all_mutants() -> None:
    mutants = all_mutants()
    parts = [chosen(mutants, [], f"{part}/7") for part in range(1, 8)]
    assert sorted(m.name for part in parts for m in part) == sorted(m.name for m in mutants)
    assert {m.file for m in chosen(mutants, ["gate.py"], "1/1")} == {"bpnp_ros/localizer/gate.py"}
