"""What a user can do wrong, each with its cause and its cure; the command line prints one on one line."""

import re
import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path


class CharrnnError(Exception):
    """An error that the user can mend.

    Its message is one sentence of two halves: the problem (what, and where) and the cure (what to do next).

    >>> str(CharrnnError("the text is empty", "give a file with at least two characters"))
    'the text is empty; give a file with at least two characters'
    """

    def __init__(self, problem: str, cure: str) -> None:
        super().__init__(f"{problem}; {cure}")
        self.problem, self.cure = problem, cure


class SourceError(CharrnnError):
    """A text cannot be found, read or decoded."""


class VocabularyError(CharrnnError):
    """A text has characters that the model does not know, or a vocabulary is not one."""


class ConfigError(CharrnnError):
    """A setting is outside its allowed range."""


class StatesOverflowError(ConfigError):
    """A network's hidden states grow beyond all numbers on a text, as those of ReLU units can."""

    def __init__(self) -> None:
        super().__init__(
            "the network's hidden states grow beyond all numbers on this text", "choose another passage or model"
        )


class CheckpointError(CharrnnError):
    """A checkpoint is missing, damaged, foreign or of another format version."""


class RunError(CharrnnError):
    """A run folder cannot be made, written or continued."""


class DeviceError(CharrnnError):
    """The device that was asked for is not there."""


_PLURALS = {"corpus": "corpora", "index": "indexes"}


def counted(number: float, noun: str) -> str:
    """Return a number with its noun, which has an s in the plural.

    >>> counted(1, "minute"), counted(0.5, "minute"), counted(2000, "character")
    ('1 minute', '0.5 minutes', '2,000 characters')
    """
    shown = f"{number:,.0f}" if number % 1 == 0 else f"{number:g}"
    return f"{shown} {noun}" if number == 1 else f"{shown} {_PLURALS.get(noun, f'{noun}s')}"


_NAMED, _SHOWN = 3, 200  # names, and characters of each


def some(names: Sequence[str]) -> str:
    """Return the first few of some names, none longer than a few lines.

    >>> some(["a", "b", "c", "d"]), some(["a" * 1000])[197:]
    ('a, b, c, …', 'aaa…')
    """
    return ", ".join([short(name) for name in names[:_NAMED]] + ["…"] * (len(names) > _NAMED))


def short(name: str, most: int = _SHOWN) -> str:
    """Return a name of at most so many characters, cut off where it is longer.

    >>> short("ab", 2), short("abc", 2)
    ('ab', 'ab…')
    """
    return name if len(name) <= most else f"{name[:most]}…"


def typed(*words: object) -> str:
    r"""Return the command `charrnn …` as it is to be typed: whatever a word holds, a shell takes it as one word.

    >>> print(typed("sample", Path("x;touch y"), "--length", 500))
    charrnn sample 'x;touch y' --length 500
    >>> print(typed("info", Path("-x")), typed("info", "\x1b'"), sep=" | ")
    charrnn info ./-x | charrnn info "$(printf '\033\047')"
    """
    return " ".join(["charrnn", *map(_quoted, words)])


def argument(name: str) -> str:
    """Return the name of a file as an argument that is not taken for an option; "-" is stdin's.

    >>> argument("-x"), argument("-"), argument("./kernel")
    ('./-x', '-', './kernel')
    """
    return f"./{name}" if name.startswith("-") and name != "-" else name


def _quoted(word: object) -> str:
    """A word as bash, zsh and fish take it; fish knows no $'…', and takes a backslash within quotes for its own."""
    text = argument(str(word)) if isinstance(word, Path) else str(word)
    if text.isprintable():
        quoted = shlex.quote(text)
        return f"'{text}'" if quoted.startswith(("=", "%")) else quoted.replace("\\", "'\\\\'")
    if text.endswith("\n"):  # which $(…) would cut off
        return f"$'{''.join(map(_sign, text))}'"
    return f"\"$(printf '{''.join(map(_octal, text))}')\""


def _octal(character: str) -> str:
    """A character within printf '…' within "$(…)"; one that could act there, or be missed, becomes its bytes."""
    if character.isprintable() and character not in "-\\'%!\"`$":
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))


def _sign(character: str) -> str:
    """A character within $'…', in which no other quote stands, for shells that know '…' alone; bytes as they are."""
    code = ord(character)
    if character.isprintable() and character not in "\\'":
        return character
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\U{code:08x}"


_WANT_OF_MEMORY = re.compile(
    "alloc.* memory|out of memory|ALLOC_FAILED"
    "|could not create a primitive$"  # oneDNN
    "|failed to map segment"  # the loader of a library
    "|without (setting an exception|exception set)"  # C code in which an allocation failed, unseen
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is for want of memory; torch and others tell that in words only.

    >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"))
    True
    """
    return isinstance(error, MemoryError) or bool(_WANT_OF_MEMORY.search(str(error)))


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise ConfigError unless low ≤ value ≤ high (NaN is never in a range)."""
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}", f"give a value from {_short(low)} to {_short(high)}")


def _short(bound: float) -> float:
    """1000000, not 1000000.0, and 1e+38, not its 39 digits."""
    return int(bound) if isinstance(bound, float) and bound.is_integer() and abs(bound) < 1e15 else bound


def check_whole(name: str, value: int, low: int, high: int) -> None:
    """Raise ConfigError unless value is an int (no float, not even a whole one, and no bool) and low ≤ value ≤ high."""
    if type(value) is not int:
        raise ConfigError(f"{name} is {value!r}", f"give a whole number from {low} to {high}, of type int")
    check_range(name, value, low, high)


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise ConfigError unless value is one of the choices."""
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}", did_you_mean(value, choices, f"choose one of {', '.join(choices)}"))


def check_utf8(names: Iterable[str], cure: str = "rename it, or use a UTF-8 locale", what: str = "name") -> None:
    """Raise SourceError where a name has bytes that are not UTF-8: it could be written to no run, page or JSON."""
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise SourceError(f"the {what} {name} is not in UTF-8", cure) from None


def did_you_mean(name: str, known: Iterable[str], cure: str, alike: Sequence[str] = ()) -> str:
    """Return a cure that begins with the known names that are most like a mistyped one, and those found `alike`.

    >>> did_you_mean("Tolstoi", ["kernel", "tolstoy"], "give a file")
    'did you mean tolstoy? Else give a file'
    >>> did_you_mean("x", ["kernel", "tolstoy"], "give a file")
    'give a file'
    """
    folded = {each.casefold(): each for each in known}
    close = [folded[each] for each in get_close_matches(str(name).casefold(), folded, cutoff=0.7)]
    alike = list(dict.fromkeys((*close, *alike)))
    return f"did you mean {' or '.join(alike)}? Else {cure}" if alike else cure
