"""The processor time of processes on this machine, from /proc."""

import os
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PROCESSES = Path("/proc")


def cpu_seconds_of(root: int) -> float:
    """What a process and all that descend from it have used, those that have ended included.

    Nothing of a process that is not, or no longer, there.
    """
    parents = _parents()
    family = {root}
    for pid in sorted(parents):
        ancestor = pid
        while ancestor in parents and ancestor not in family:
            ancestor = parents[ancestor]
        if ancestor in family:
            family.add(pid)
    return sum(_own_seconds(pid) for pid in family)


def parent_of(pid: int) -> int:
    """The process that started another; raises FileNotFoundError where it is not on this machine.

    >>> parent_of(os.getpid()) == os.getppid()
    True
    """
    return int(_fields(pid)[1])


def _parents() -> dict[int, int]:
    parents = {}
    for entry in PROCESSES.iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = parent_of(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return parents


def _own_seconds(pid: int) -> float:
    """What it used itself, in all its threads, and what children that it waited for had used."""
    try:
        used = sum(int(ticks) for ticks in _fields(pid)[11:15])
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return used / TICKS_PER_SECOND


def _fields(pid: int) -> list[str]:
    """The fields of its status from the state on: its name before them may hold anything."""
    return (PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()
