"""The worked examples of `seed/scenarios`, read from TOML.

A file gives `at` in hours as a decimal text, so that it is exact to the microsecond, and the rule
code that each step must get. With `variants` its steps run once on each of these channels.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import InteractionKind, Lane, Language
from trenza.domain.metering.fold import RuleCode

FOLDER = Path(__file__).resolve().parents[2] / "seed" / "scenarios"
_MICROSECONDS_PER_HOUR = 3_600_000_000
_STEP_KEYS = {"at", "kind", "channel", "actor", "verdict"}
_SCENARIO_KEYS = {"id", "clause", "debits", "variants", "title", "steps"}


@dataclass(frozen=True, slots=True)
class Step:
    """One interaction of an example; `at` is counted from the example's beginning."""

    at: timedelta
    kind: InteractionKind
    channel: ChannelKind
    actor: Lane | None
    verdict: RuleCode


@dataclass(frozen=True, slots=True)
class Scenario:
    """One worked example, on one of its channels."""

    id: str
    variant: ChannelKind | None
    clause: str
    title: Mapping[Language, str]
    steps: tuple[Step, ...]
    debits: int

    @property
    def name(self) -> str:
        """The id, with the channel where there are several."""
        return self.id if self.variant is None else f"{self.id}-{self.variant}"


def load_scenarios(folder: Path = FOLDER) -> tuple[Scenario, ...]:
    """Read every example of a folder; raises ValueError or KeyError for a malformed file."""
    return tuple(each for path in sorted(folder.glob("*.toml")) for each in _read(path))


def _read(path: Path) -> Iterator[Scenario]:
    with path.open("rb") as file:
        raw = tomllib.load(file)
    unknown = set(raw) - _SCENARIO_KEYS | {k for step in raw["steps"] for k in step} - _STEP_KEYS
    if unknown or raw["id"] != path.stem:
        raise ValueError(f"{path.name}: unknown keys {sorted(unknown)} or another id")
    for variant in raw.get("variants", [None]):
        yield Scenario(
            id=raw["id"],
            variant=variant and ChannelKind(variant),
            clause=raw["clause"],
            title={language: raw["title"][language.lower()] for language in Language},
            steps=tuple(
                Step(
                    at=_hours(step["at"]),
                    kind=InteractionKind(step["kind"]),
                    channel=ChannelKind(step.get("channel", variant)),
                    actor=Lane(step["actor"]) if "actor" in step else None,
                    verdict=RuleCode(step["verdict"]),
                )
                for step in raw["steps"]
            ),
            debits=raw["debits"],
        )


def _hours(text: str) -> timedelta:
    microseconds = Decimal(text) * _MICROSECONDS_PER_HOUR
    if microseconds != int(microseconds):
        raise ValueError(f"{text} hours are not whole microseconds")
    return timedelta(microseconds=int(microseconds))
