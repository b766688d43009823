"""Put faults into a copy of the code, one at a time, and see whether the tests notice.

    python test/mutants/run.py                  all
    python test/mutants/run.py --part 3/12      every twelfth, from the third on
    python test/mutants/run.py covariance       those with the word in their name or file

The faults stand in the YAML files beside this one: a file of the package, the tests that hold it,
and what is replaced by what. Ends with 1 where a fault survives, with 2 where one is out of date.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COPIED = ("bpnp_ros", "test", "pyproject.toml")
KILLED, SURVIVES = "killed", "SURVIVES"


class MutantError(Exception):
    """A list of mutants that does not fit the code any more, in a sentence."""


@dataclass(frozen=True)
class Mutant:
    """`text` of `file` becomes `replacement`, and one of `tests` (names in test/) should fail."""

    name: str
    file: str
    text: str
    replacement: str
    tests: tuple[str, ...]

    def applied_to(self, code: str) -> str:
        """The faulty code. Raises MutantError unless the text is there exactly once."""
        count = code.count(self.text)
        if count != 1:
            raise MutantError(
                f"'{self.name}': the text {self.text!r} is {count} times in {self.file}, not once; "
                "bring the list of mutants up to date."
            )
        return code.replace(self.text, self.replacement)


def all_mutants() -> list[Mutant]:
    """Those of every list beside this file."""
    return [
        Mutant(name, file, text, replacement, tuple(entry["tests"].split()))
        for path in sorted(HERE.glob("*.yaml"))
        for file, entry in yaml.safe_load(path.read_text()).items()
        for name, (text, replacement) in entry["mutants"].items()
    ]


def chosen(mutants: list[Mutant], words: list[str], part: str) -> list[Mutant]:
    """Those with all words in name or file; of these every N-th from the K-th on, for 'K/N'."""
    first, stride = (int(number) for number in part.split("/"))
    named = [m for m in mutants if all(word in f"{m.name} {m.file}" for word in words)]
    return named[(first - 1) % stride :: stride]


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    """A folder to spoil."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, tree / name)
        yield tree


def tests_pass(tree: Path, tests: tuple[str, ...], limit: float) -> tuple[bool, str]:
    """Whether the tests pass in a tree, and what they said last; too slow is failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        done = subprocess.run(
            [*command, *(f"test/{name}" for name in tests)],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return False, f"not done after {limit:g} s"
    last = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1:]
    if done.returncode not in (0, 1):
        raise MutantError(f"{', '.join(tests)} cannot be run: {' '.join(last)}")
    return done.returncode == 0, " ".join(last)


def outcome(mutant: Mutant, tree: Path, limit: float) -> str:
    """Whether the mutant's tests notice it; the tree is then as before."""
    path = tree / mutant.file
    code = path.read_text()
    faulty = mutant.applied_to(code)
    path.write_text(faulty)
    try:
        passed, _ = tests_pass(tree, mutant.tests, limit)
    finally:
        path.write_text(code)
    return SURVIVES if passed else KILLED


def survivors(mutants: list[Mutant], limit: float) -> list[Mutant]:
    """Those that no test notices, told as they are tried. Raises MutantError."""
    for mutant in mutants:
        mutant.applied_to((ROOT / mutant.file).read_text())
    tests = tuple(sorted({name for mutant in mutants for name in mutant.tests}))
    alive: list[Mutant] = []
    with copy_of_the_tree() as tree:
        passed, said = tests_pass(tree, tests, limit * len(tests))
        if not passed:
            raise MutantError(f"the tests fail without any mutant: {said}")
        for mutant in mutants:
            result = outcome(mutant, tree, limit)
            print(f"{result:8}  {mutant.file}: {mutant.name}", flush=True)
            if result == SURVIVES:
                alive.append(mutant)
    return alive


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("words", nargs="*", help="only mutants with these words in name or file")
    parser.add_argument("--part", default="1/1", help="K/N: every N-th mutant, from the K-th on")
    parser.add_argument("--limit", type=float, default=120, help="seconds for a mutant's tests")
    asked = parser.parse_args()
    mutants = chosen(all_mutants(), asked.words, asked.part)
    if not mutants:
        parser.error("no mutant is named so")
    try:
        alive = survivors(mutants, asked.limit)
    except MutantError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(alive)} of {len(mutants)} mutants survive.")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
