"""What a segment's definition must be before it is asked or kept."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from trenza.domain.contact import LifecycleStage
from trenza.domain.errors import InvalidInput
from trenza.domain.segment import (
    KIND_NAMES,
    Condition,
    Count,
    CustomFieldCondition,
    Definition,
    FieldCondition,
    Group,
    Period,
    SegmentField,
    SegmentOperator,
    TagCondition,
    camel,
)
from trenza.domain.text import clean

GROUPS_MAX = 10
CONDITIONS_MAX = 20
VALUES_MAX = 100
TEXT_LONGEST = 200
DAYS_MAX = 3650
BIRTHDAY_DAYS_MAX = 365
NUMBER_MAX = 1_000_000_000_000_000
COUNT_MAX = 1_000_000

Path = tuple[str, ...]
Operators = frozenset[SegmentOperator]

_KEY = re.compile("[A-Za-z][A-Za-z0-9_]{0,63}")
_ONE = frozenset({SegmentOperator.EQ, SegmentOperator.NEQ, SegmentOperator.CONTAINS})
_NONE = frozenset({SegmentOperator.EXISTS, SegmentOperator.ABSENT})
_DAYS = frozenset({SegmentOperator.WITHIN_DAYS, SegmentOperator.BEFORE_DAYS})
_ORDERED = frozenset(
    {
        SegmentOperator.EQ,
        SegmentOperator.NEQ,
        SegmentOperator.LT,
        SegmentOperator.LTE,
        SegmentOperator.GT,
        SegmentOperator.GTE,
    }
)
_TEXTUAL: Operators = _ONE | _NONE | {SegmentOperator.IN}
_OF_FIELDS: Mapping[SegmentField, Operators] = MappingProxyType(
    {
        SegmentField.NAME: frozenset({SegmentOperator.CONTAINS}),
        SegmentField.CREATED_AT: _DAYS,
        SegmentField.UPDATED_AT: _DAYS,
        SegmentField.BIRTHDAY: _NONE | {SegmentOperator.WITHIN_DAYS},
    }
)


def checked(definition: Definition, path: Path = ()) -> Definition:
    """The definition with its texts cleaned; raises InvalidInput with the path to what is wrong.

    >>> checked(Definition(()))
    Traceback (most recent call last):
    trenza.domain.errors.InvalidInput: give 1 to 10 groups
    """
    path = (*path, "groups")
    _require_few(len(definition.groups), GROUPS_MAX, "groups", path)
    groups = enumerate(definition.groups)
    return Definition(tuple(_group(group, (*path, str(n))) for n, group in groups))


def _group(group: Group, path: Path) -> Group:
    path = (*path, "conditions")
    _require_few(len(group.conditions), CONDITIONS_MAX, "conditions", path)
    return Group(
        tuple(
            _condition(each, (*path, str(n), camel(KIND_NAMES[type(each)])))
            for n, each in enumerate(group.conditions)
        )
    )


def _condition(condition: Condition, path: Path) -> Condition:
    count: Count | None = getattr(condition, "count", None)
    if count is not None and not 0 <= count.number <= COUNT_MAX:
        wrong = f"number goes from 0 to {COUNT_MAX:,}"
        raise InvalidInput(wrong, path=(*path, "count", "number"))
    period: Period | None = getattr(condition, "period", None)
    if period is not None:
        _require_period(period, (*path, "period"))
    if isinstance(condition, FieldCondition):
        return _field(condition, path)
    if isinstance(condition, CustomFieldCondition):
        return _custom_field(condition, path)
    if isinstance(condition, TagCondition):
        return replace(condition, tag=clean(condition.tag, (*path, "tag"), TEXT_LONGEST))
    return condition


def _require_few(number: int, most: int, noun: str, path: Path) -> None:
    if not 1 <= number <= most:
        raise InvalidInput(f"give 1 to {most} {noun}", path=path)


def _require_period(period: Period, path: Path) -> None:
    if period.last_days is not None:
        if period.since is not None or period.until is not None:
            raise InvalidInput("give either lastDays or instants", path=(*path, "lastDays"))
        _require_days(period.last_days, 1, DAYS_MAX, (*path, "lastDays"))
    if period.since is not None and period.until is not None and period.until <= period.since:
        raise InvalidInput("until is not after since", path=(*path, "until"))


def _require_days(days: int | None, least: int, most: int, path: Path) -> None:
    if days is None or not least <= days <= most:
        raise InvalidInput(f"{path[-1]} goes from {least} to {most:,}", path=path)


def _require_operator(operator: SegmentOperator, allowed: Operators, path: Path) -> None:
    if operator not in allowed:
        those = ", ".join(each for each in SegmentOperator if each in allowed)
        raise InvalidInput(f"this takes one of {those}", path=(*path, "operator"))


def _field(condition: FieldCondition, path: Path) -> FieldCondition:
    operator, is_birthday = condition.operator, condition.field is SegmentField.BIRTHDAY
    _require_operator(operator, _OF_FIELDS.get(condition.field, _TEXTUAL), path)
    if operator in _DAYS:
        most = BIRTHDAY_DAYS_MAX if is_birthday else DAYS_MAX
        _require_days(condition.days, 0 if is_birthday else 1, most, (*path, "days"))
    elif condition.days is not None:
        raise InvalidInput("days go with WITHIN_DAYS and BEFORE_DAYS", path=(*path, "days"))
    values = _texts(condition.values, operator, (*path, "values"))
    if condition.field is SegmentField.STAGE and operator is not SegmentOperator.CONTAINS:
        for n, value in enumerate(values):
            if value not in set(LifecycleStage):
                wrong = f"a stage is one of {', '.join(LifecycleStage)}"
                raise InvalidInput(wrong, path=(*path, "values", str(n)))
    return replace(condition, values=values)


def _texts(given: tuple[str, ...], operator: SegmentOperator, path: Path) -> tuple[str, ...]:
    """The texts that an operator takes: one, or several, or none."""
    if operator is SegmentOperator.IN:
        _require_few(len(given), VALUES_MAX, path[-1], path)
    elif len(given) != (operator in _ONE):
        wanted = "exactly one text" if operator in _ONE else "no text"
        raise InvalidInput(f"{operator} takes {wanted}", path=path)
    return tuple(clean(each, (*path, str(n)), TEXT_LONGEST) for n, each in enumerate(given))


def _custom_field(condition: CustomFieldCondition, path: Path) -> CustomFieldCondition:
    if not _KEY.fullmatch(condition.key):
        wrong = "key is a letter and up to 63 letters, digits and underscores"
        raise InvalidInput(wrong, path=(*path, "key"))
    given = [name for name, check in _VALUES.items() if getattr(condition, name) not in (None, ())]
    if condition.operator in _NONE:
        if given:
            raise InvalidInput(f"{condition.operator} takes no value", path=(*path, given[0]))
        return condition
    if len(given) != 1:
        raise InvalidInput("give exactly one of texts, number, boolean, day", path=path)
    [name] = given
    return _VALUES[name](condition, path)


def _of_texts(condition: CustomFieldCondition, path: Path) -> CustomFieldCondition:
    _require_operator(condition.operator, _TEXTUAL, path)
    return replace(condition, texts=_texts(condition.texts, condition.operator, (*path, "texts")))


def _of_number(condition: CustomFieldCondition, path: Path) -> CustomFieldCondition:
    _require_operator(condition.operator, _ORDERED, path)
    number = condition.number
    if number is None or not math.isfinite(number) or abs(number) > NUMBER_MAX:
        raise InvalidInput(f"number is beyond {NUMBER_MAX:,}", path=(*path, "number"))
    return condition


def _of_boolean(condition: CustomFieldCondition, path: Path) -> CustomFieldCondition:
    _require_operator(
        condition.operator, frozenset({SegmentOperator.EQ, SegmentOperator.NEQ}), path
    )
    return condition


def _of_day(condition: CustomFieldCondition, path: Path) -> CustomFieldCondition:
    _require_operator(condition.operator, _ORDERED, path)
    return condition


_VALUES: Mapping[str, Callable[[CustomFieldCondition, Path], CustomFieldCondition]] = (
    MappingProxyType(
        {"texts": _of_texts, "number": _of_number, "boolean": _of_boolean, "day": _of_day}
    )
)
