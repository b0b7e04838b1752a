"""Compose the demo: write contacts.jsonl and timeline.jsonl from workspace.toml and scenes.toml.

    python seed/demo/compose.py [DIRECTORY]

The same sources give the same bytes on every Python that Trenza supports: chance comes from
`random.Random` seeded with text, and of it only from `random()`, whose sequence the language
guarantees. Instants are whole microseconds; the moment of loading is 0 and stands, in the story,
on a Thursday at 16:00. `seed/README.md` tells the story and describes the files.
"""

import json
import math
import random
import re
import sys
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Line = dict[str, Any]

HERE = Path(__file__).resolve().parent
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
LOADING_HOUR = 16
THURSDAY, SATURDAY, SUNDAY = 3, 5, 6

FIRST_DAY = 45
GO_LIVE = -FIRST_DAY * DAY
IMPORT_DAY = 56
CURTAIN = -20 * SECOND
"""Nothing arrives later: what is under way at the moment of loading goes on unseen."""
CLOSINGS = ((42.0, 60), (14.0, 30))
"""Days ago of a closing, and of an instant in the cycle that it closes."""

ROLES: dict[str, tuple[str, str | None]] = {
    "customer": ("CUSTOMER_MESSAGE", None),
    "bot": ("COMPANY_MESSAGE", "BOT"),
    "agent": ("COMPANY_MESSAGE", "HUMAN"),
    "to-bot": ("HANDOFF", "BOT"),
    "to-human": ("HANDOFF", "HUMAN"),
    "expert": ("EXPERT_AGENT_ACTION", None),
    "ticket": ("TICKET_PUBLIC_ACTION", "HUMAN"),
    "update": ("TICKET_PUBLIC_ACTION", None),
    "update-bot": ("TICKET_PUBLIC_ACTION", "BOT"),
    "issue": ("TICKET_INTERNAL_ACTION", None),
    "note": ("TICKET_INTERNAL_ACTION", None),
    "send": ("CAMPAIGN_SEND", None),
    "step": ("JOURNEY_SEND", None),
    "auto": ("AUTO_REPLY", None),
    "survey": ("SURVEY", None),
    "status": ("DELIVERY_STATUS", None),
    "consent": ("CONSENT_CHANGE", None),
}
OPENS = {"ticket": "PUBLIC", "issue": "INTERNAL"}
AT_THE_DESK = {"agent", "ticket", "update", "issue", "note"}
"""Roles of people, who come back to a conversation after hours in office hours only."""
ATTENDING = {"agent", "to-human", "ticket", "update"}
"""Roles in which an agent is named: who acts, or who a conversation is passed to."""
SEAT_VERBS = {
    "accepted": "acceptInvitation",
    "deactivated": "deactivateUser",
    "reactivated": "reactivateUser",
}
CREATES = (
    ("createCampaign", "campaign", ("name", "objective", "channel")),
    ("createJourney", "journey", ("name", "stage")),
)
INSTANTS = {"arrives", "at", "cycleOf"}
CUE = re.compile(
    r"(?P<role>[a-z-]+)(?: @(?P<channel>\w+))?(?: (?P<gap>[+=]\w+))?(?: ~(?P<late>\w+))?"
)


class Dice:
    """Chance that repeats: one sequence per name, so that parts of the story stay independent."""

    def __init__(self, name: str) -> None:
        self._random = random.Random(f"casa-tamandua/{name}").random

    def chance(self, share: float) -> bool:
        return self._random() < share

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self._random()

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self._random() * len(options))]

    def weighted(self, weights: Mapping[T, float]) -> T:
        point = self._random() * math.fsum(weights.values())
        for option, weight in weights.items():
            if point < weight:
                return option
            point -= weight
        raise ValueError("nothing to choose from")

    def several(self, options: Iterable[T], count: int) -> list[T]:
        left = list(options)
        return [left.pop(int(self._random() * len(left))) for _ in range(count)]


@dataclass(eq=False)
class Person:
    """A contact: what is written of it, and when the workspace gets to know it."""

    key: str
    known_at: int
    identities: dict[str, str]
    columns: Line

    def written(self) -> Line:
        identities = [{"channel": c, "address": a} for c, a in self.identities.items()]
        return {"contact": self.key, **self.columns, "identities": identities}


@dataclass(frozen=True)
class Cue:
    """One line of a scene: who acts, how long after the line before, and how late we hear of it."""

    role: str
    channel: str | None
    gap: int
    exact: bool
    late: int
    text: str


@dataclass(frozen=True, eq=False)
class Scene:
    """A conversation to be played; without a language, everybody's."""

    name: str
    channels: tuple[str, ...]
    cues: tuple[Cue, ...]
    part: str | None = None
    language: str | None = None
    weight: float = 0
    also: str | None = None
    office: bool = False
    late_hour: bool = False
    company: bool = False

    def channels_of(self, person: Person) -> list[str]:
        """The channels on which somebody could play it; none where the scene is not theirs."""
        if (
            self.language not in (None, person.columns["language"])
            or (self.company and "company" not in person.columns)
            or (self.also is not None and self.also not in person.identities)
        ):
            return []
        return [channel for channel in self.channels if channel in person.identities]


@dataclass
class Script:
    """What happens, in any order until it is told."""

    lines: list[Line] = field(default_factory=list)
    tickets: int = 0

    def add(self, arrives: int, do: str, **rest: object) -> None:
        given = {name: value for name, value in rest.items() if value is not None}
        self.lines.append({"arrives": arrives, "do": do, **given})

    def open_ticket(self, at: int, **rest: object) -> str:
        self.tickets += 1
        ref = f"t{self.tickets:03d}"
        self.add(at, "openTicket", ref=ref, **rest)
        return ref

    def told(self) -> Iterator[Line]:
        """The lines by arrival, each at least a microsecond after the one before, in seconds."""
        last = min(line["arrives"] for line in self.lines) - 1
        for line in sorted(self.lines, key=lambda one: int(one["arrives"])):
            last = max(line["arrives"], last + 1)
            told = {**line, "arrives": last}
            yield {key: told[key] / SECOND if key in INSTANTS else told[key] for key in told}


def duration(text: str) -> int:
    """Microseconds of "8s", "5m", "2h" or "7d"."""
    return int(text[:-1]) * UNITS[text[-1]]


def days_ago(days: float) -> int:
    """The instant so many days before loading."""
    return -round(days * DAY)


def moment(day: int, hour: float) -> int:
    """The instant of an hour of the story's clock, so many days before loading."""
    return round((hour - LOADING_HOUR) * HOUR) - day * DAY


def weekday(day: int) -> int:
    """The day of the week, from Monday as 0, so many days before loading."""
    return (THURSDAY - day) % 7


def office_time(at: int, dice: Dice) -> int:
    """The instant itself in office hours, else a while into the next working day."""
    ahead, into_day = divmod(at + LOADING_HOUR * HOUR, DAY)
    day = -ahead
    if 9 * HOUR <= into_day < 19 * HOUR and weekday(day) != SUNDAY:
        return at
    if into_day >= 19 * HOUR:
        day -= 1
    if weekday(day) == SUNDAY:
        day -= 1
    return moment(day, dice.between(9.1, 10.4))


def read_cue(text: str) -> Cue:
    """Parse `who [@CHANNEL] [+gap] [~delay] | text`; an exact gap has `=` in place of `+`."""
    head, words = text.split(" | ", 1)
    found = CUE.fullmatch(head)
    if found is None or found["role"] not in ROLES:
        raise ValueError(f"no such cue: {head}")
    gap = found["gap"] or "=0s"
    late = duration(found["late"] or "0s")
    return Cue(found["role"], found["channel"], duration(gap[1:]), gap[0] == "=", late, words)


def read_scene(data: Line) -> Scene:
    """Parse one scene of scenes.toml."""
    rest = {name: value for name, value in data.items() if name not in ("channels", "lines")}
    return Scene(channels=tuple(data["channels"]), cues=tuple(map(read_cue, data["lines"])), **rest)


def plain(name: str) -> str:
    """A name as it stands in an address: lower-case, without accents, dots for spaces."""
    letters = unicodedata.normalize("NFD", name.lower())
    return "".join(c for c in letters if c.isascii()).replace(" ", ".")


def addresses(number: int, country: Line, name: str, dice: Dice) -> dict[str, str]:
    """Addresses on every channel, none of which can reach a living person."""
    phone = f"{country['phone']}{number * 37 + 1000:0{country['digits']}d}"
    domain = dice.pick([country["mail"], country["mail"], "example.com"])
    return {
        "WHATSAPP": phone,
        "SMS": phone,
        "RCS": phone,
        "EMAIL": f"{plain(name)}.{number}@{domain}",
        "FACEBOOK_MESSENGER": f"73{number * 7919 + 10_000_000:014d}",
        "INSTAGRAM": f"178{number * 6113 + 20_000_000:014d}",
        "WEBCHAT": f"visit-{number * 2654435761 % 2**32:08x}",
        "PUSH": f"token-{number * 2246822519 % 2**32:08x}",
    }


class Casting:
    """Everybody who appears: the crowd, and by key the people with a part of their own."""

    def __init__(self, book: Line) -> None:
        self._book = book
        self._dice = Dice("people")
        self._countries = {country["code"]: country for country in book["country"]}
        size = book["crowd"]["size"]
        self.crowd = [self._one_of_the_crowd(number) for number in range(1, size + 1)]
        self.parts = {
            entry["key"]: self._person_with_a_part(size + number, entry)
            for number, entry in enumerate(book["person"], 1)
        }

    def written(self) -> list[Person]:
        """Those whom the workspace writes down as contacts."""
        parts = [one for key, one in self.parts.items() if not key.startswith("walk-in")]
        return self.crowd + parts

    def _one_of_the_crowd(self, number: int) -> Person:
        dice, crowd = self._dice, self._book["crowd"]
        code = dice.weighted({code: each["weight"] for code, each in self._countries.items()})
        language = "EN" if dice.chance(crowd["english"]) else self._countries[code]["language"]
        known_at = days_ago(IMPORT_DAY) + number * 3 * SECOND // 2
        if number > crowd["imported"]:
            known_at = moment(int(dice.between(1, FIRST_DAY)), dice.between(8, 21))
        channels = [name for name, share in self._book["shares"].items() if dice.chance(share)]
        person = self._person(f"c{number:03d}", number, code, language, channels or ["WHATSAPP"])
        person.known_at = known_at
        return person

    def _person_with_a_part(self, number: int, entry: Line) -> Person:
        code = entry["country"]
        language = self._countries[code]["language"]
        person = self._person(entry["key"], number, code, language, entry["channels"])
        if "day" in entry:
            person.known_at = moment(entry["day"], entry["hour"])
        if not entry["named"]:
            columns = {name: person.columns[name] for name in ("language", "timeZone", "country")}
            person.columns = {**columns, "stage": "ATTRACTION", "origin": "página"}
        return person

    def _person(
        self, key: str, number: int, code: str, language: str, channels: Iterable[str]
    ) -> Person:
        dice, country, crowd = self._dice, self._countries[code], self._book["crowd"]
        names = self._book["names"][language]
        first, last = dice.pick(names["first"]), dice.pick(names["last"])
        second = dice.pick([name for name in names["last"] if name != last])
        everywhere = addresses(number, country, f"{first} {last}", dice)
        company = dice.pick(self._book["companies"][language])
        columns = {
            "firstName": first,
            "lastName": last if language == "EN" else f"{last} {second}",
            "language": language,
            "timeZone": country["zone"],
            "company": company if dice.chance(crowd["employed"]) else None,
            "city": dice.pick(country["cities"]),
            "country": code,
            "stage": dice.weighted(crowd["stage"]),
            "origin": dice.weighted(crowd["origin"]),
            **Dice(f"kept/{key}").pick(self._book["kept"]),
        }
        return Person(
            key=key,
            known_at=days_ago(IMPORT_DAY - 1),
            identities={channel: everywhere[channel] for channel in channels},
            columns={name: value for name, value in columns.items() if value is not None},
        )


class Stage:
    """Plays scenes: turns cues into lines, with their words, latencies, sources and ids."""

    def __init__(self, agents: Sequence[Line], book: Line, script: Script) -> None:
        self._agents = agents
        self._book = book
        self._script = script
        self._dice = Dice("words")
        self._recorded = 0

    def play(
        self,
        scene: Scene,
        person: Person,
        channel: str,
        starts_at: int,
        *,
        by_identity: bool = False,
        **touch: str,
    ) -> int:
        """Play a scene and say when it ends; `touch` names its campaign or journey."""
        blanks, at, ticket = self._blanks(person, starts_at), starts_at, None
        for cue in scene.cues:
            at = self._next_instant(cue, at)
            on = cue.channel or channel
            # WhatsApp tells whole seconds, the others milliseconds.
            occurred_at = at - at % (SECOND if on == "WHATSAPP" else SECOND // 1000)
            arrives = occurred_at + cue.late + self._latency(cue)
            text = self._words(cue.text, person, blanks)
            if max(occurred_at, arrives) > CURTAIN:
                continue
            if cue.role in OPENS:
                about = {"subject": text, "visibility": OPENS[cue.role], "channel": on}
                ticket = self._script.open_ticket(occurred_at, contact=person.key, **about)
            identity = {"channel": on, "address": person.identities[on]}
            who: Line = {"identity": identity} if by_identity else {"contact": person.key}
            agent = blanks["user"] if cue.role in ATTENDING else None
            told = {"at": occurred_at, "text": text, "ticket": ticket, "agent": agent, **touch}
            self._record(arrives, cue.role, on, {**who, **told})
        return at

    def _record(self, arrives: int, role: str, channel: str, told: Line) -> None:
        kind, actor = ROLES[role]
        reported = self._book["reporter"]["HELPDESK" if kind.startswith("TICKET") else channel]
        self._recorded += 1
        number = self._recorded * 0x9E3779B1 % 2**32
        named = {"source": reported["source"], "externalId": f"{reported['prefix']}{number:08x}"}
        acted = {"channel": channel, "kind": kind, "actor": actor}
        self._script.add(arrives, "recordInteraction", **named, **acted, **told)

    def _next_instant(self, cue: Cue, at: int) -> int:
        if cue.exact:
            return at + cue.gap
        at += round(cue.gap * self._dice.between(0.7, 1.3))
        rested = cue.gap >= 2 * HOUR and cue.role in AT_THE_DESK
        return office_time(at, self._dice) if rested else at

    def _latency(self, cue: Cue) -> int:
        """A second or so; now and then hours, or a little less than nothing: a clock is ahead."""
        latency = round(self._dice.between(250, 2900)) * 1000
        if cue.role != "customer":
            return latency
        strange = self._dice.between(0, 1)
        if strange < 0.02:
            return round(self._dice.between(0.3, 40) * HOUR) // 1000 * 1000
        return -400_000 if strange > 0.99 else latency

    def _blanks(self, person: Person, at: int) -> dict[str, str]:
        dice, columns, blanks = self._dice, person.columns, self._book["blanks"]
        agent = dice.pick([user for user in self._agents if is_active(user, at)])
        return {
            "first": columns.get("firstName", ""),
            "city": columns.get("city", ""),
            "company": columns.get("company", ""),
            "user": agent["key"],
            "agent": agent["name"].split()[0],
            "order": f"CT-{int(dice.between(41_000, 49_999))}",
            "price": dice.pick(blanks["price"][columns["country"]]),
            **{name: dice.pick(words) for name, words in blanks[columns["language"]].items()},
        }

    def _words(self, text: str, person: Person, blanks: Mapping[str, str]) -> str:
        if text.startswith("$"):
            text = self._book["texts"][person.columns["language"]][text[1:]]
        text = re.sub(r"\[([^]]+)]", lambda found: self._dice.pick(found[1].split("|")), text)
        return text.format_map(blanks)


def is_active(user: Line, at: int) -> bool:
    """Whether a user has accepted and is not deactivated at an instant."""
    steps = ((name, user[name]) for name in SEAT_VERBS if name in user)
    done = [name for name, days in steps if days_ago(days) <= at]
    return bool(done) and done[-1] != "deactivated"


def play_every_day(
    stage: Stage, scenes: Iterable[Scene], book: Line, crowd: Sequence[Person]
) -> None:
    """The ordinary conversations: so many a day, at their hours, with whoever is free."""
    dice, season = Dice("days"), book["season"]
    free_from = {person: person.known_at + 10 * MINUTE for person in crowd}
    weights = {scene: scene.weight for scene in scenes if scene.part is None}
    shutters_down = {scene: weight for scene, weight in weights.items() if not scene.office}
    for day in range(FIRST_DAY, -1, -1):
        usual = season["before"] if day >= season["changed"] else season["since"]
        on_sunday = weekday(day) == SUNDAY
        for _ in range(int(usual * season["week"][weekday(day)] + dice.between(0, 1))):
            scene = dice.weighted(shutters_down if on_sunday else weights)
            channel = dice.weighted({one: book["shares"][one] for one in scene.channels})
            starts_at = moment(day, hour_of(scene, dice))
            free = [person for person, since in free_from.items() if since < starts_at]
            fit = [person for person in free if channel in scene.channels_of(person)]
            if fit and GO_LIVE <= starts_at <= CURTAIN:
                person = dice.pick(fit)
                free_from[person] = HOUR + stage.play(scene, person, channel, starts_at)


def hour_of(scene: Scene, dice: Dice) -> float:
    """When in the day a conversation of this sort begins."""
    if scene.late_hour:
        return dice.between(20, 23.5)
    if scene.office:
        return dice.between(9.2, 18.3)
    return (dice.between(7, 23) + dice.between(9, 22)) / 2


def play_set_pieces(
    stage: Stage, scenes: Iterable[Scene], book: Line, casting: Casting
) -> list[Person]:
    """Play what the story cannot do without, each at its time, and say who is left of the crowd."""
    dice, left = Dice("set pieces"), list(casting.crowd)
    by_name = {scene.name: scene for scene in scenes if scene.part == "stage"}
    for staging in book["staging"]:
        scene, at = by_name[staging["scene"]], moment(staging["day"], staging["hour"])
        if "cast" in staging:
            person = casting.parts[staging["cast"]]
        else:
            fit = [one for one in left if one.known_at < at and scene.channels_of(one)]
            person = dice.pick(fit)
            left.remove(person)
        channel = dice.pick(scene.channels_of(person))
        stage.play(scene, person, channel, at, by_identity=staging.get("by") == "identity")
    return left


def play_campaigns(
    stage: Stage, scenes: Iterable[Scene], campaigns: Iterable[Line], crowd: Iterable[Person]
) -> None:
    """Each send reaches its audience within minutes; then everybody does as they please."""
    dice = Dice("campaigns")
    for campaign in campaigns:
        key, channel, at = campaign["key"], campaign["channel"], days_ago(campaign["send_from"])
        ways = {scene: scene.weight for scene in scenes if scene.part == key}
        reached = [one for one in crowd if channel in one.identities and one.known_at < at]
        for person in dice.several(reached, campaign["audience"]):
            stage.play(dice.weighted(ways), person, channel, at, campaign=key)
            at += round(dice.between(2, 9) * SECOND)


def play_journeys(stage: Stage, scenes: Iterable[Scene], crowd: Iterable[Person]) -> None:
    """New contacts are welcomed; those who have bought hear how to care for a mattress."""
    dice = Dice("journeys")
    for person in crowd:
        enters = {}
        if person.known_at > GO_LIVE:
            enters["bienvenida"] = person.known_at + 10 * MINUTE
        if person.columns["stage"] == "AFTER_SALES":
            day = moment(int(dice.between(2, FIRST_DAY)), dice.between(10, 11))
            enters["cuida-tu-colchon"] = max(day, person.known_at + DAY)
        for journey, at in enters.items():
            ways = {
                (scene, channel): scene.weight
                for scene in scenes
                if scene.part == journey
                for channel in scene.channels_of(person)
            }
            if ways:
                scene, channel = dice.weighted(ways)
                stage.play(scene, person, channel, at, journey=journey)


def run_the_office(script: Script, workspace: Line) -> None:
    """Seats, grants, campaigns, journeys, closings and consents, each in its hour."""
    for user in workspace["users"]:
        profile = {name: user[name] for name in ("name", "email", "role")}
        script.add(days_ago(user["invited"]), "inviteUser", user=user["key"], **profile)
        for column, verb in SEAT_VERBS.items():
            if column in user:
                script.add(days_ago(user[column]), verb, user=user["key"])
    for grant in workspace["grants"]:
        given = {name: grant[name] for name in ("kind", "amount", "priority", "note")}
        lasts = grant["expires_after_days"]
        script.add(days_ago(grant["granted"]), "grantInteractionz", expiresAfterDays=lasts, **given)
    for verb, noun, names in CREATES:
        for made in workspace[f"{noun}s"]:
            columns = {name: made[name] for name in names}
            script.add(days_ago(made["created"]), verb, **{noun: made["key"]}, **columns)
    for closed, inside in CLOSINGS:
        script.add(days_ago(closed), "closeCycle", cycleOf=days_ago(inside))
    for said in workspace["said"]:
        script.add(days_ago(said.pop("ago")), said.pop("do"), **said)


def sign_in_and_out(script: Script, users: Sequence[Line]) -> None:
    """A month of working days; some take a second device at noon, some forget to sign out."""
    dice = Dice("sign-ins")
    for day in range(30, -1, -1):
        for user in users:
            comes, leaves = dice.between(8.4, 9.8), dice.between(17.2, 19.6)
            hours = [comes, dice.between(11, 13)] if dice.chance(0.12) else [comes]
            day_off = weekday(day) == SUNDAY or (weekday(day) == SATURDAY and dice.chance(0.6))
            if day_off or not is_active(user, moment(day, comes)):
                continue
            for hour in hours:
                if is_active(user, moment(day, hour)):
                    script.add(moment(day, hour), "signIn", user=user["key"])
            left_at = moment(day, leaves)
            if left_at <= CURTAIN and is_active(user, left_at) and dice.chance(0.95):
                script.add(left_at, "signOut", user=user["key"])


def repeat_some(script: Script) -> None:
    """Deliver some webhooks twice: mostly at once, sometimes days later."""
    dice = Dice("repetitions")
    for line in list(script.lines):
        if line["do"] != "recordInteraction" or not dice.chance(0.025):
            continue
        pause = dice.between(20, 70) * HOUR if dice.chance(0.15) else dice.between(2, 900) * SECOND
        again = line["arrives"] + round(pause)
        if line["arrives"] - line["at"] < 30 * DAY and again <= CURTAIN:
            script.lines.append({**line, "arrives": again})


def compose() -> dict[str, str]:
    """Tell the story: the texts of the files, by name."""
    workspace = tomllib.loads((HERE / "workspace.toml").read_text(encoding="utf-8"))
    book = tomllib.loads((HERE / "scenes.toml").read_text(encoding="utf-8"))
    scenes = [read_scene(data) for data in book["scene"]]
    casting, script = Casting(book), Script()
    agents = [user for user in workspace["users"] if user["role"] == "AGENT"]
    stage = Stage(agents, book, script)

    run_the_office(script, workspace)
    sign_in_and_out(script, workspace["users"])
    for person in casting.written():
        script.add(person.known_at, "upsertContact", contact=person.key)
    crowd = play_set_pieces(stage, scenes, book, casting)
    play_campaigns(stage, scenes, workspace["campaigns"], crowd)
    play_journeys(stage, scenes, crowd)
    play_every_day(stage, scenes, book, crowd)
    repeat_some(script)
    for name, verb in (("merge", "mergeContacts"), ("unmerge", "unmergeContact")):
        for told in book[name]:
            script.add(moment(told.pop("day"), told.pop("hour")), verb, **told)
    contacts: list[Line] = [one.written() for one in casting.written()]
    rows = {"contacts.jsonl": contacts, "timeline.jsonl": list(script.told())}
    return {
        name: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows[name])
        for name in rows
    }


def main(directory: Path) -> None:
    """Write both files into a directory."""
    for name, text in compose().items():
        (directory / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
