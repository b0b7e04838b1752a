"""Measuring: sides in turn, slice by slice, so that what slows the machine slows them all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from tests.benchmarks.contests import Contest, Side
from tests.benchmarks.cpu import cpu_seconds_of
from tests.benchmarks.load import Slice, load

DatabaseCpu = Callable[[], float]


@dataclass
class Measured:
    """What a side came to at a number of connections, over all of its slices."""

    contest: Contest
    side: Side
    connections: int
    slices: list[Slice] = field(default_factory=list)
    server_cpu_s: float = 0.0
    database_cpu_s: float = 0.0

    @property
    def rate(self) -> float:
        """Units answered in a second: the median of the slices."""
        return median(self.side.units * each.answered / each.seconds for each in self.slices)

    @property
    def units(self) -> int:
        """All that was answered."""
        return self.side.units * sum(len(each.latencies) for each in self.slices)

    def latency_ms(self, percent: int) -> float:
        """The latency that so many of a hundred answers did not exceed."""
        all_ = [1_000 * latency for each in self.slices for latency in each.latencies]
        return quantiles(all_, n=100, method="inclusive")[percent - 1] if all_[1:] else all_[0]

    def cost_us(self, cpu_s: float) -> float:
        """Processor time for each unit."""
        return 1e6 * cpu_s / self.units

    @property
    def all_cost_us(self) -> float:
        """Processor time of server and database for each unit; at least what a clock can tell."""
        return max(self.cost_us(self.server_cpu_s + self.database_cpu_s), 1.0)

    @property
    def load_cpu_s(self) -> float:
        """What asking has cost."""
        return sum(each.cpu_seconds for each in self.slices)


async def measure(
    contest: Contest,
    connections: Sequence[int],
    seconds: float,
    rounds: int,
    database_cpu: DatabaseCpu,
) -> Sequence[Measured]:
    """Measures the sides of a contest, at each number of connections, in turn."""
    found: list[Measured] = []
    for at_once in connections:
        sides = [Measured(contest, side, at_once) for side in contest.sides]
        for each in sides:
            await _slice(each, seconds / 5)
        for _ in range(rounds):
            for each in sides:
                server, database = cpu_seconds_of(each.side.server.pid), database_cpu()
                each.slices.append(await _slice(each, seconds))
                each.server_cpu_s += cpu_seconds_of(each.side.server.pid) - server
                each.database_cpu_s += database_cpu() - database
        found += sides
    return found


async def _slice(of: Measured, seconds: float) -> Slice:
    side = of.side
    return await load(side.server.port, side.requests, side.expected, of.connections, seconds)
