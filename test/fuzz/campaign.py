"""Many inputs, in child processes that may crash, hang or ask for too much memory."""

from __future__ import annotations

import logging
import multiprocessing
import resource
import shutil
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from fuzz.inputs import ANSWERED, REFUSED, Outcome, attempt

MEMORY = 2 << 30  # bytes that an input may take beyond what is loaded
LONGEST = 30.0  # seconds for an input; the first of a child has its start in addition
START = 60.0
BATCH = 500  # inputs of a child


def run(seed: int, numbers: list[int], folder: Path) -> Iterator[Outcome]:
    """The outcomes of the inputs, in their order; those that failed stay in `folder`."""
    while numbers:
        done = 0
        for outcome in _batch(seed, numbers[:BATCH], folder):
            done += 1
            yield outcome
        numbers = numbers[done:]


def place_of(seed: int, number: int, folder: Path) -> Path:
    """Where an input lies."""
    return folder / f"seed{seed}_{number}"


def _batch(seed: int, numbers: list[int], folder: Path) -> Iterator[Outcome]:
    """Ends early after a crash or a hang."""
    spawn = multiprocessing.get_context("spawn")
    ours, childs = spawn.Pipe(duplex=False)
    child = spawn.Process(target=_work, args=(seed, numbers, folder, childs), daemon=True)
    child.start()
    childs.close()
    patience = START + LONGEST
    for number in numbers:
        result = _next_result(ours, patience)
        if not result:
            child.join(1)
            died = f"the process died with exit code {child.exitcode}"
            yield Outcome(number, died if child.exitcode else f"no answer for {patience:g} s")
            break
        yield Outcome(number, result)
        patience = LONGEST
    child.kill()
    child.join()


def _next_result(child: Connection, patience: float) -> str:
    """Empty where none came in time, or the child is no more."""
    with suppress(EOFError):
        if child.poll(patience):
            return str(child.recv())
    return ""


def _work(seed: int, numbers: list[int], folder: Path, parent: Connection) -> None:
    torch.set_num_threads(1)
    logging.disable()
    _limit_memory()
    for number in numbers:
        place = place_of(seed, number, folder)
        place.mkdir(parents=True)
        outcome = attempt(seed, number, place)
        if outcome.result in (ANSWERED, REFUSED):
            shutil.rmtree(place)
        parent.send(outcome.result)


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
