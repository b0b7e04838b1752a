"""Writes `schema/interactionz.md`: the rules and their cases as code, sentences and seed have them.

`python -m tests.documents.interactionz > schema/interactionz.md`, as `make schema` does.
"""

import sys
from collections.abc import Iterator
from datetime import timedelta

from tests.scenarios.loader import Scenario, Step, load_scenarios
from trenza.domain.interaction import InteractionKind, Language
from trenza.domain.metering.fold import Outcome, RuleCode
from trenza.domain.metering.policy import DEFAULT_POLICY, ActorRule
from trenza.domain.metering.sentences import RULES

OPENERS = {
    RuleCode.OPENED_BY_CUSTOMER: InteractionKind.CUSTOMER_MESSAGE,
    RuleCode.OPENED_BY_HANDOFF: InteractionKind.HANDOFF,
    RuleCode.OPENED_BY_COMPANY: InteractionKind.COMPANY_MESSAGE,
    RuleCode.OPENED_BY_TICKET_ACTION: InteractionKind.TICKET_PUBLIC_ACTION,
    RuleCode.OPENED_BY_EXPERT_AGENT: InteractionKind.EXPERT_AGENT_ACTION,
}
OTHER_CLAUSES = {
    RuleCode.OPENED_IN_SECOND_LANE: "asks to be escalated",
    RuleCode.COVERED_BY_OPEN_SESSION: "one credit covers 24 hours, on every channel",
    RuleCode.COVERED_IN_LANE: "one credit covers 24 hours of a lane",
    RuleCode.COVERED_BY_BINDING: "the first to attend takes what was paid at the opening",
    RuleCode.RETRACTED: "an administrator retracted the record",
}
ACTORS = {
    ActorRule.REQUIRED: "`BOT` or `HUMAN`, required",
    ActorRule.DEFAULT_HUMAN: "`HUMAN` unless `BOT` is stated",
    ActorRule.ALWAYS_BOT: "always `BOT`",
    ActorRule.REFUSED: "none",
}
HOUR = timedelta(hours=1)
HEAD = """\
# Interactionz: the rules and their cases

Written by `make schema` from the code and from `seed/scenarios/`; a test compares. What is said
here is policy `{policy}`.

- A session is a window of exactly 24 hours, `[openedAt, openedAt + 24 h)`, on the UTC time line. It
  never slides. Activity at exactly its end opens the next one.
- A contact has at most one open session in each lane, `BOT` and `HUMAN`, and at most one that
  nobody attends yet (`UNBOUND`). The channel is no part of it: two channels on one day are one
  credit.
- A customer's message is covered by any open session; otherwise it opens one, unbound. Whoever
  attends is covered by the open session of their lane, else takes an unbound one (which costs
  nothing more), else opens a session of their lane.
- Interactions are taken in the order in which they happened, never in the order of arrival. So a
  late one can move sessions: their debits are reversed and new ones written, no row is changed.

The verdict of an interaction is `CHARGED` (one credit), `COVERED` or `FREE`, with one of the codes
below in `verdict.ruleCode` and the sentence in `verdict.sentence(language:)`.
"""


def outcome_of(rule: RuleCode) -> Outcome:
    """What the verdicts of a rule cost; the code begins with it."""
    if rule.startswith("OPENED_"):
        return Outcome.CHARGED
    return Outcome.COVERED if rule.startswith("COVERED_") else Outcome.FREE


def clause_of(rule: RuleCode) -> str:
    """The clause that a rule follows: that of the kind of interaction where it names one."""
    if rule in OTHER_CLAUSES:
        return OTHER_CLAUSES[rule]
    kind = OPENERS.get(rule) or InteractionKind(rule.removeprefix("FREE_"))
    return DEFAULT_POLICY.rules[kind].clause


def sentence_of(rule: RuleCode, language: Language) -> str:
    """The sentence of a rule with its blanks, such as `{channel}`."""
    frame, why = RULES[rule]
    return frame[language].format(why=why[language], opened="{opened}")


def row(*cells: object) -> str:
    """A row of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def kinds() -> Iterator[str]:
    """The table of the kinds of interaction."""
    yield from ("## Kinds", "", row("kind", "can cost a credit", "`actor`", "clause"))
    yield row(*["---"] * 4)
    for rule in DEFAULT_POLICY.rules.values():
        charges = "yes" if rule.charges else "never"
        yield row(f"`{rule.kind}`", charges, ACTORS[rule.actor], rule.clause)


def rules() -> Iterator[str]:
    """The catalogue of rule codes, and the sentence of each in three languages."""
    yield from ("## Rule codes", "", row("code", "outcome", "clause"), row(*["---"] * 3))
    for rule in RuleCode:
        yield row(f"`{rule}`", f"`{outcome_of(rule)}`", clause_of(rule))
    yield from ("", "### Their sentences", "", "Words in braces are filled in.")
    for rule in RuleCode:
        yield from ("", f"**`{rule}`**", "")
        yield from (f"- {language}: {sentence_of(rule, language)}" for language in Language)


def cases() -> Iterator[str]:
    """The worked examples, each with its steps, the verdict of every step, and the credits."""
    scenarios = {scenario.id: scenario for scenario in load_scenarios()}
    variants: dict[str, list[str]] = {}
    for scenario in load_scenarios():
        if scenario.variant is not None:
            variants.setdefault(scenario.id, []).append(scenario.variant)
    yield from ("## Cases", "", "The times of the steps are hours since the first one.", "")
    yield row("case", "what happens", "credits", "clause")
    yield row("---", "---", "--:", "---")
    for scenario in scenarios.values():
        title, clause = scenario.title[Language.EN], scenario.clause
        yield row(f"[{scenario.id}](#{scenario.id.lower()})", title, scenario.debits, clause)
    for scenario in scenarios.values():
        yield from case(scenario, variants.get(scenario.id, []))


def case(scenario: Scenario, variants: list[str]) -> Iterator[str]:
    """One worked example; with variants it happens once on each of these channels."""
    yield from ("", f"### {scenario.id}", "")
    yield from (f"- {language}: {scenario.title[language]}" for language in Language)
    if variants:
        yield f"- on each of {', '.join(variants)}"
    yield from ("", row("h", "what", "verdict", "rule"), row("--:", *["---"] * 3))
    for step in scenario.steps:
        what = told(step, has_channel=not variants)
        yield row(hours(step.at), what, f"`{outcome_of(step.verdict)}`", f"`{step.verdict}`")


def told(step: Step, *, has_channel: bool) -> str:
    """What happens in a step: the kind, who acts, and where."""
    preposition = "to" if step.kind is InteractionKind.HANDOFF else "by"
    actor = "" if step.actor is None else f" {preposition} {step.actor}"
    return f"{step.kind}{actor}{f' on {step.channel}' if has_channel else ''}"


def hours(at: timedelta) -> str:
    """A time in hours, exact: the examples are written in decimals of an hour.

    >>> hours(timedelta(hours=3, seconds=36))
    '3.01'
    """
    return f"{at / HOUR:.6f}".rstrip("0").rstrip(".")


def document() -> str:
    """The whole file."""
    parts = (HEAD.format(policy=DEFAULT_POLICY.name), *map("\n".join, (kinds(), rules(), cases())))
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
