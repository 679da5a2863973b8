"""How much of what a model writes stands word for word in what it has read. Works on ids; knows no torch."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Ids = npt.NDArray[np.integer]

LENGTH = 20  # characters of a string that is looked for
SEARCHED = 20_000_000  # characters of the training text that are looked at, at most: a tenth of a second or so
VALIDATED = 100_000  # characters of the validation part whose lines are the yardstick of lines
STRETCHES = 64  # of the validation part that the yardstick is the mean of

_CHUNK = 1 << 17  # characters hashed at once: what a core's cache holds
_BASE = np.uint32(0x9E3779B1)  # odd, so that no character is lost in the products
_FILTER_BITS = 16


@dataclass(frozen=True)
class Verbatim:
    """How much of some samples stands in the training text: the part of their 20-character strings that does.

    Strings that are blank for more than half are no evidence and do not count. Of a text whose lines are mostly shorter
    than a string, `lines` is the part of the samples' whole lines, shorter than a string, that are lines of the text.
    Real text repeats itself too: the yardsticks are the same shares of the validation part, of its strings in stretches
    as long as the sample. None: there is nothing to measure.
    """

    share: float | None
    yardstick: float | None
    searched: int  # characters of the training text that were looked at, from its beginning
    lines: float | None = None
    lines_yardstick: float | None = None

    def __str__(self) -> str:
        """What a person reads beside a sample."""
        if self.lines is not None:
            return f"{100 * self.lines:.1f} % of its lines verbatim{_real(self.lines_yardstick)}"
        if self.share is None:
            return "too short or blank to tell what is verbatim"
        return f"{100 * self.share:.1f} % verbatim{_real(self.yardstick)}"


def _real(yardstick: float | None) -> str:
    return "" if yardstick is None else f" (real text {100 * yardstick:.1f} %)"


class Meter:
    """Measures samples against one training text; the yardstick for each length of a sample is measured once.

    `blank` are the ids of white space, and `newline` that of the line end, where the vocabulary has them.
    """

    def __init__(
        self, train: Ids, val: Ids | None = None, newline: int | None = None, blank: Sequence[int] = ()
    ) -> None:
        self._train, self._val, self._newline, self._blank = train[:SEARCHED], val, newline, list(blank)
        self._yardsticks: dict[int, float | None] = {}
        ends = 0 if newline is None else np.count_nonzero(self._train == newline)
        self._has_short_lines = ends * LENGTH > len(self._train)

    def measure(self, samples: Ids) -> Verbatim:
        """Return the shares of a sample [S], or of several together [N, S]."""
        samples = np.atleast_2d(samples)
        length = samples.shape[1]
        if length not in self._yardsticks:
            self._yardsticks[length] = self._yardstick(length)
        strings = _strings(samples).reshape(-1, LENGTH)
        lines, real = self._of_lines(samples), self._of_lines_of_val
        return Verbatim(self._share(strings), self._yardsticks[length], len(self._train), lines, real)

    def _share(self, strings: Ids) -> float | None:
        """Which part of the strings [S, LENGTH] that are evidence stands in the text."""
        telling = strings[np.isin(strings, self._blank).sum(1) * 2 <= LENGTH]
        return float(_found(self._train, telling).mean()) if len(telling) else None

    def _yardstick(self, length: int) -> float | None:
        if self._val is None or min(length, len(self._val)) < LENGTH:
            return None
        length = min(length, len(self._val))
        stretches = min(STRETCHES, len(self._val) // length)
        starts = np.linspace(0, len(self._val) - length, stretches).astype(int)
        strings = starts[:, None] + np.arange(length - LENGTH + 1)  # where they begin
        return self._share(sliding_window_view(self._val, LENGTH)[strings.reshape(-1)])

    @cached_property
    def _of_lines_of_val(self) -> float | None:
        if self._val is None:
            return None
        part = self._val[:VALIDATED]
        begun = int(np.argmax(part == self._newline)) + 1  # the first line began before the part
        return self._of_lines(part[None, begun:])

    def _of_lines(self, samples: Ids) -> float | None:
        """Which part of the short whole lines of samples [N, S] are lines of the text; blank lines do not count."""
        if not self._has_short_lines:
            return None
        end, by_length = np.array([self._newline]), defaultdict[int, list[Ids]](list)
        for sample in samples:
            places = np.flatnonzero(sample == self._newline)
            for start, stop in pairwise([0, *(places + 1)]):
                line = sample[start:stop]  # with its end
                if 1 < len(line) <= LENGTH and not np.isin(line, self._blank).all():
                    by_length[len(line)].append(np.concatenate([end, line]))
        text = np.concatenate([end, self._train])
        found = [_found(text, np.stack(lines)) for lines in by_length.values()]
        return float(np.concatenate(found).mean()) if found else None


def _strings(samples: Ids) -> Ids:
    """The strings of samples [N, S] -> [N, S − LENGTH + 1, LENGTH]; none where a sample is shorter than one."""
    if samples.shape[1] < LENGTH:
        return np.empty((len(samples), 0, LENGTH), samples.dtype)
    return sliding_window_view(samples, LENGTH, axis=1)


def standing_in(text: Ids, sample: Ids, length: int = LENGTH) -> npt.NDArray[np.bool_]:
    """Tell for each string of so many characters in a sample [S] whether it stands in a text [N].

    Exact: what has the same hash (a polynomial in the characters, modulo 2³², as Rabin and Karp look for strings) is
    compared. The text is read in chunks, so that memory does not grow with it.

    Returns:
        [S − length + 1], in the order in which the strings begin; empty where the sample is shorter than one.

    >>> text, sample = np.array([1, 2, 3, 4, 5]), np.array([2, 3, 4, 9, 4, 5])
    >>> standing_in(text, sample, length=2).tolist()
    [True, True, False, False, True]
    """
    if len(sample) < length:
        return np.zeros(0, np.bool_)
    return _found(text, sliding_window_view(sample, length))


def _found(text: Ids, strings: Ids) -> npt.NDArray[np.bool_]:
    """Tell for each of the strings [S, length] whether it stands in the text."""
    length, type_ = strings.shape[1], np.result_type(text, strings)
    keys = [string.tobytes() for string in strings.astype(type_)]
    hashes = dict(zip(keys, _hashes(strings.reshape(-1), length)[::length].tolist(), strict=True))
    missing = set(keys)
    for start in range(0, len(text) - length + 1, _CHUNK):
        if not missing:
            break
        chunk = text[start : start + _CHUNK + length - 1].astype(type_)
        wanted = np.array([hashes[key] for key in missing], np.uint32)
        missing -= {chunk[place : place + length].tobytes() for place in _places(_hashes(chunk, length), wanted)}
    return np.array([key not in missing for key in keys])


def _places(hashes: npt.NDArray[np.uint32], wanted: npt.NDArray[np.uint32]) -> npt.NDArray[np.intp]:
    """Return where one of the wanted hashes is; a table of their upper bits rules most places out at once."""
    table = np.zeros(1 << _FILTER_BITS, np.bool_)
    shift = np.uint32(32 - _FILTER_BITS)
    table[wanted >> shift] = True
    likely = np.flatnonzero(table[hashes >> shift])
    return likely[np.isin(hashes[likely], wanted)]


def _hashes(ids: Ids, length: int) -> npt.NDArray[np.uint32]:
    """Return the hash of each string of so many ids, Σ id·base^(length−1−place) mod 2³², by doubling."""
    doubled, size = ids.astype(np.uint32) + np.uint32(1), 1  # the hashes of strings of `size`, a power of two
    hashes, done = np.zeros(len(ids), np.uint32), 0  # those of the length that has been put together so far
    while True:
        if length & size:
            hashes = hashes[: len(ids) - done - size + 1] * _power(size) + doubled[done:]
            done += size
        if done == length:
            return hashes
        doubled = doubled[:-size] * _power(size) + doubled[size:]
        size *= 2


def _power(exponent: int) -> np.uint32:
    return np.uint32(pow(int(_BASE), exponent, 1 << 32))
