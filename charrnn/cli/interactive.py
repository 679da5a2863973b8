"""`charrnn sample --interactive`: type a beginning, get a continuation; change the settings in mid-session.

Not by `cmd.Cmd` or prompt_toolkit: a line is text unless it begins with a slash, a backslash goes on with the next one,
and a script may type into a pipe. Of `cmd.Cmd` that leaves the loop, a tenth of this file.
"""

import secrets
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from platformdirs import user_data_path

from charrnn.cli.common import say
from charrnn.cli.writing import GUESSES, Look, paced, write_one
from charrnn.display.signs import one_line, visible
from charrnn.errors import CharrnnError, ConfigError, check_range
from charrnn.files import make_folder, private
from charrnn.model import known
from charrnn.model.clamping import Clamp
from charrnn.sampling.sampler import Drawn, until

if TYPE_CHECKING:
    from charrnn.api import Model

HELP = """\
Type a beginning and press Enter: the model goes on from it. A backslash at the
end of a line goes on with the next one; a beginning that starts with / is
typed with //. Ctrl-C stops the writing; Ctrl-D or /quit ends the session.

/more                       go on from where it stopped
/retry                      the same beginning again, with other noise
/temperature T              0 is greedy, below 1 cautious, above 1 wild
/top-k K  /top-p P  /min-p P  as the options of charrnn sample; off: all
/length N                   characters to draw
/stop TEXT                  end when TEXT has been written; off: never
/seed N                     start the noise anew from N
/slow N                     so many characters a second; off: as drawn
/color none|surprisal|L:I   colour by this what you type and what is written
/unit UNIT                  colour by a unit, L:I or a known one's name; off
/clamp UNIT=VALUE ...       hold units' h while reading and writing; off: none
/steer [UNIT]               go on in three ways: the unit low, free and high
/alternatives on|off        the likeliest in each character's place
/settings                   all of these as they are; one alone: /length
/help  /quit"""

HISTORY = 1000  # lines


class Session:
    """A dialogue over stdin and stdout, with line editing and a history where stdin is a terminal."""

    def __init__(self, model: "Model", settings: Mapping[str, Any], look: Look, slow: float | None = None) -> None:
        """`settings` are those of `Model.write`, for one text."""
        self._model, self._look, self._slow = model, look, slow
        self._shown: Look | None = None  # whose legend was shown last
        self._options, self._known = dict(settings), model.checkpoint.header.known_units
        self._length, self._stops = settings["length"], tuple(settings["stop"])
        self._seed = secrets.randbits(32) if settings["seed"] is None else settings["seed"]
        (self._prime,) = (self._typed,) = settings["prime"]
        self._held = {clamp.unit: clamp for clamp in map(self._clamp, settings["clamp"])}
        self._sampler = model.write(**settings).sampler
        self._start = self._here = self._sampler.begin(self._prime)

    def run(self) -> None:
        """Answer line after line until there is no more, or /quit."""
        if sys.stdin.isatty():
            click.echo("Type a beginning; /help lists the commands.", err=True)
        if self._prime:
            self._write()
        with _history():
            for line in _lines():
                try:
                    if line.strip() == "/quit":
                        return
                    self._answer(line)
                except CharrnnError as error:
                    say(f"Error: {one_line(str(error))}", err=True)
                except KeyboardInterrupt:
                    click.echo("")

    def _answer(self, line: str) -> None:
        if line.startswith("/") and not line.startswith("//"):
            name, _, value = line[1:].partition(" ")
            self._command(name, value.strip())
        elif line:
            beginning = line.removeprefix("/") if line.startswith("//") else line
            self._start = self._sampler.begin(beginning)
            self._prime = self._typed = beginning
            self._write()

    def _command(self, name: str, value: str) -> None:
        if name in _SETTERS:
            if value:
                _SETTERS[name](self, value)
            else:
                click.echo(self._settings(name))
        elif name == "steer":
            self._steer(value)
        elif name not in ("more", "retry", "help", "settings"):
            raise ConfigError(f"there is no command /{name}", "/help lists them")
        elif value:
            raise ConfigError(f"/{name} takes no value", "leave it out")
        elif name in ("help", "settings"):
            click.echo(HELP if name == "help" else self._settings())
        else:
            if name == "more":
                self._start, self._prime = self._here, ""
            self._write()

    def _write(self) -> None:
        """Write a continuation; each has noise of its own."""
        characters = paced(until(self._sampler.behind(self._prime, self._drawn()), self._stops), self._slow)
        write_one(self._prime, self._sampler, characters, self._look, legend=self._look != self._shown)
        self._shown = self._look
        if not sys.stdout.isatty():
            click.echo("")
        self._seed += 1

    def _drawn(self) -> Iterator[Drawn]:
        self._here = self._start
        for step in self._sampler.steps(self._start, self._length, [self._seed], follow=True):
            self._here = step.after or self._here
            yield self._sampler.drawn(step, self._look.guesses, self._look.watch)

    def _settings(self, only: str = "") -> str:
        """Every setting as it is, or one of them."""
        config, look = self._sampler.config, self._look
        color = "surprisal" if look.surprisal else look.watch or "none"
        held = " ".join(f"{unit}={clamp.value:g}" for unit, clamp in self._held.items())
        shown: dict[str, object] = {"temperature": config.temperature, "top-k": config.top_k, "top-p": config.top_p}
        shown |= {"min-p": config.min_p, "length": self._length, "seed": self._seed}
        shown |= {"stop": " ".join(map(shlex.quote, self._stops)) or None}
        shown |= {"slow": self._slow, "color": color, "clamp": held or None}
        shown |= {"alternatives": "on" if look.guesses else None}
        names = [only.replace("unit", "color")] if only else list(shown)
        return visible("\n".join(f"{name:13} {'off' if shown[name] is None else shown[name]}" for name in names))

    def _set(self, field: str, kind: Callable[[str], float], value: str) -> None:
        number: Any = None if value == "off" and field != "temperature" else _number(field, kind, value)
        self._sampler.config = replace(self._sampler.config, **{field: number})

    def _set_length(self, value: str) -> None:
        length = int(_number("length", int, value))
        check_range("length", length, 0, 1e12)
        self._length = length

    def _set_seed(self, value: str) -> None:
        seed = int(_number("seed", int, value))
        check_range("seed", seed, 0, 2**63 - 1)
        self._seed = seed

    def _set_slow(self, value: str) -> None:
        slow = None if value == "off" else _number("slow", float, value)
        if slow is not None:
            check_range("slow", slow, 0.1, 10_000)
        self._slow = slow

    def _set_stop(self, value: str) -> None:
        self._stops = () if value == "off" else tuple(_words(value))

    def _set_color(self, value: str) -> None:
        look = Look.parse(value, self._look.guesses, self._model.checkpoint)
        self._look = replace(look, held=self._look.held)

    def _set_unit(self, value: str) -> None:
        self._set_color("none" if value == "off" else str(known.unit(self._known, value, self._model.config)))

    def _set_clamp(self, value: str) -> None:
        """Hold units beside those that are held, or none; the beginning is read again with them."""
        clamps = [] if value == "off" else list(map(self._clamp, _words(value)))
        self._held = {} if value == "off" else self._held | {clamp.unit: clamp for clamp in clamps}
        held = [f"{unit}={clamp.value}" for unit, clamp in self._held.items()]
        config = self._sampler.config
        self._sampler = self._model.write(**self._options | {"clamp": held}).sampler
        self._sampler.config = config
        self._look = replace(self._look, held=Look.told(self._held.values()))
        if self._prime:
            self._start = self._sampler.begin(self._prime)

    def _clamp(self, text: str) -> Clamp:
        return known.clamp(self._known, text, self._model.config)

    def _steer(self, value: str) -> None:
        """Show how the beginning goes on with a unit held low, free and held high, from the same noise."""
        unit = value or self._look.watch
        if unit is None:
            raise ConfigError("no unit is chosen", "write /steer UNIT, or choose one by /unit")
        config = self._sampler.config
        told = {"temperature": config.temperature, "length": max(1, self._length), "seed": self._seed}
        click.echo(str(self._model.steer(str(unit), prime=self._typed or None, **told)))

    def _set_alternatives(self, value: str) -> None:
        if value not in ("on", "off"):
            raise ConfigError(f"alternatives is {value!r}", "choose on or off")
        self._look = replace(self._look, guesses=GUESSES if value == "on" else 0)


_SETTERS: dict[str, Callable[[Session, str], None]] = {
    "temperature": lambda session, value: session._set("temperature", float, value),
    "top-k": lambda session, value: session._set("top_k", int, value),
    "top-p": lambda session, value: session._set("top_p", float, value),
    "min-p": lambda session, value: session._set("min_p", float, value),
    "length": Session._set_length,
    "seed": Session._set_seed,
    "stop": Session._set_stop,
    "color": Session._set_color,
    "unit": Session._set_unit,
    "clamp": Session._set_clamp,
    "slow": Session._set_slow,
    "alternatives": Session._set_alternatives,
}


def _number(name: str, kind: Callable[[str], float], value: str) -> float:
    try:
        return kind(value)
    except ValueError:
        raise ConfigError(f"{name} is {value!r}", "give a number") from None


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:
        raise ConfigError(f"a quote in {value!r} is left open", "close it") from None


def _lines() -> Iterator[str]:
    """What is typed, line by line; a backslash at the end of one joins it to the next."""
    text = ""
    while True:
        try:
            line = input("… " if text else "> ") if sys.stdin.isatty() else _piped()
        except EOFError:
            if sys.stdin.isatty():
                click.echo("")
            return
        except KeyboardInterrupt:  # as in a shell: this line is given up, the session is not
            click.echo("")
            text = ""
            continue
        text += line.removesuffix("\\") + "\n" if line.endswith("\\") else line
        if not line.endswith("\\"):
            yield text
            text = ""


def _piped() -> str:
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.removesuffix("\n")


@contextmanager
def _history() -> Iterator[None]:
    """Line editing, and the lines of earlier sessions, where someone types and the system has readline."""
    if not sys.stdin.isatty():
        yield
        return
    try:
        import readline  # here, for it writes to some terminals as it is imported
    except ImportError:  # as on Windows
        yield
        return
    path = user_data_path("charrnn") / "history"
    try:
        readline.read_history_file(path)
    except OSError:  # there is none yet
        readline.clear_history()
    try:
        yield
    finally:
        readline.set_history_length(HISTORY)
        try:
            make_folder(path.parent)
            with open(path, "ab", opener=private):
                pass
            readline.write_history_file(path)
        except OSError as error:
            click.echo(f"Note: the history cannot be kept ({error.strerror})", err=True)
