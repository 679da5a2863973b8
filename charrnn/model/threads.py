"""How many threads torch computes with: a given number, or the fastest one, found by timing pieces of the work itself.

The threads of a layer wait for each other at every character. Where other programs want the same cores, that costs more
than the second core gives, and one thread alone is faster.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter

import torch

from charrnn.errors import counted

PIECES = 4  # in a trial of one number of threads; the first pays for the change and is not counted
SHORTEST = 0.05  # seconds of a trial at least
GRACE, LOST = 0.2, 1.5  # it ends after so many seconds where it takes so many times as long as another
REST, PAYBACK = 5.0, 50  # between two measurements: seconds at least, and as many times what the last one cost
MARGIN = 0.97  # a number of threads has to be faster by this to take the place of another
QUIET = 60.0  # seconds after a line about the number in which there is no other
CHANGED = 1.5  # how many times as long, or as short, pieces take where the number is measured again earlier


def numbers_of_threads(most: int) -> tuple[int, ...]:
    """Return the numbers of threads that are tried: 1, 2, 4 … and `most`.

    >>> numbers_of_threads(6)
    (1, 2, 4, 6)
    """
    return (*(2**n for n in range((most - 1).bit_length())), most)


class Threads:
    """The number of threads for each kind of work, set before each piece of it.

    Args:
        numbers: those to choose among, ascending; a single one is fixed; none leaves torch as it is.
        tell: gets one line when a number is chosen, and when another one is, at most one a minute.
        clock: the time in seconds.
        use: sets the number of threads.
    """

    def __init__(
        self,
        numbers: Sequence[int] = (),
        tell: Callable[[str], object] = lambda line: None,
        clock: Callable[[], float] = perf_counter,
        use: Callable[[int], object] = torch.set_num_threads,
    ) -> None:
        self._numbers, self._tell, self._clock, self._use = tuple(numbers), tell, clock, use
        self._trials: dict[str, _Trial] = {}
        self._now: int | None = None  # what torch was set to last
        self._best: int | None = None  # what was found best last, of any kind
        self._quiet_until = -math.inf
        if len(self._numbers) == 1:
            self._set(self._numbers[0])

    @property
    def measured(self) -> bool:
        """Whether there is more than one number to choose among."""
        return len(self._numbers) > 1

    @property
    def fixed(self) -> int | None:
        """The number that all is computed with; None where it is measured, or torch's own."""
        return self._numbers[0] if len(self._numbers) == 1 else None

    @contextmanager
    def piece(self, kind: str = "", amount: float = 1.0) -> Iterator[None]:
        """Do a piece of work with the right number of threads; pieces of one kind and amount take alike.

        A piece of no kind ("") is not measured: it is done with the number that was chosen last.
        """
        if not (self.measured and kind):
            self._set(self.fixed or self._best)
            yield
            return
        trial = self._trials.setdefault(kind, _Trial(self._numbers))
        self._set(trial.number)
        begun = self._clock()
        yield
        now = self._clock()
        if trial.took(now - begun, amount, now):
            self._set(trial.number)
            self._say(trial, now)

    def chosen(self, kind: str) -> int | None:
        """Return the number that was found best for a kind of pieces; None before the first measurement has ended."""
        trial = self._trials.get(kind)
        return trial.chosen if trial and trial.settled else None

    def settle(self, kind: str) -> None:
        """Compute everything with the number that was found best for a kind of pieces, from here on."""
        self._numbers = (self.chosen(kind) or self._numbers[0],)
        self._set(self._numbers[0])

    def _set(self, number: int | None) -> None:
        if number is not None and number != self._now:
            self._use(number)
            self._now = number

    def _say(self, trial: "_Trial", now: float) -> None:
        changed, self._best = trial.chosen != self._best, trial.chosen
        if changed and now >= self._quiet_until:
            self._quiet_until = now + QUIET
            self._tell(trial.found)


class _Trial:
    """The timing of one kind of work: which number its next piece is to be done with, and what the last ones took."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = tuple(numbers)
        self.chosen = self._numbers[0]
        self._left = list(self._numbers)  # still to be tried in this measurement
        self._paces: dict[int, float] = {}  # seconds for an amount of 1, of those that were
        self._times: list[float] = []  # paces of the one that is tried now
        self._tried = self._spent = self._amount = 0.0  # seconds with it; seconds, and amount, of this measurement
        self._recent: deque[float] = deque(maxlen=PIECES - 1)  # paces of the latest pieces with the chosen number
        self._usual = 0.0  # its pace when it was chosen
        self._soonest = self._next = 0.0  # when to measure again, at once or in any case
        self.settled, self.found = False, ""

    @property
    def number(self) -> int:
        """Threads for the next piece."""
        return self._left[0] if self._left else self.chosen

    def took(self, seconds: float, amount: float, now: float) -> bool:
        """Note how fast a piece was done; return whether a measurement has ended with it."""
        if not self._left:
            self._recent.append(seconds / amount)
            if now >= self._next or (now >= self._soonest and self._has_changed):
                self._begin()
            return False
        self._times.append(seconds / amount)
        self._tried, self._spent, self._amount = self._tried + seconds, self._spent + seconds, self._amount + amount
        enough = len(self._times) >= PIECES and self._tried >= SHORTEST
        usual = len(self._times) * amount * min(self._paces.values(), default=math.inf)
        if not (enough or self._tried > max(GRACE, LOST * usual)):
            return False
        self._judge(median(self._times[1:] or self._times))
        return not self._left and self._end(now)

    @property
    def _has_changed(self) -> bool:
        """Whether other programs seem to have come or gone since the number was chosen."""
        ratio = median(self._recent) / max(self._usual, 1e-9)
        return len(self._recent) == PIECES - 1 and not 1 / CHANGED < ratio < CHANGED

    def _begin(self) -> None:
        """Measure the numbers beside the chosen one."""
        place = self._numbers.index(self.chosen)
        self._left = [n for n in self._numbers[max(0, place - 1) : place + 2] if n != self.chosen]
        self._paces = {self.chosen: median(self._recent)}
        self._spent = self._amount = 0.0

    def _judge(self, pace: float) -> None:
        """Note the pace of the number that was tried; where it is slower than a smaller one, try no larger one."""
        number = self._left.pop(0)
        if any(pace > other for smaller, other in self._paces.items() if smaller < number):
            self._left = [n for n in self._left if n < number]
        self._paces[number], self._times, self._tried = pace, [], 0.0

    def _end(self, now: float) -> bool:
        handicaps = {n: pace * (MARGIN if n == self.chosen and self.settled else 1) for n, pace in self._paces.items()}
        best, other = sorted(handicaps, key=handicaps.__getitem__)[:2]
        ratio = self._paces[other] / max(self._paces[best], 1e-9)
        self.found = f"computing with {counted(best, 'thread')}, {max(1.0, ratio):.1f} times as fast as {other}"
        self.chosen, self._usual, self.settled = best, self._paces[best], True
        self._recent.clear()
        cost = self._spent - self._amount * self._usual
        self._soonest, self._next = now + max(REST, 10 * cost), now + max(REST, PAYBACK * cost)
        return True
