"""`charrnn sample`: text in the style of what a model has read."""

import re
import secrets
import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.api.sample import SIDE_BY_SIDE, prime_of
from charrnn.cli import completion
from charrnn.cli.common import (
    FEEDBACK,
    device_option,
    echo_json,
    examples,
    json_option,
    load_model,
    model_argument,
    note,
    refuse_options,
)
from charrnn.cli.interactive import Session
from charrnn.cli.output import OutputFile, spare_inputs, written_to
from charrnn.cli.sample_items import sample_items
from charrnn.cli.writing import GUESSES, Look, write
from charrnn.display.signs import one_line

if TYPE_CHECKING:
    from charrnn.api import Model
    from charrnn.api.sample import Texts, Written

# Options, as click names them, of a running text that items have no use for, and of items.
OF_TEXTS = ("beam", "stop", "color", "alternatives", "interactive", "slow", "device", "precision")
OF_ITEMS = ("new", "distinct", "null", "text", "label")
_SHORT = 20  # characters of a prime in the name of a file


class Numbers(click.ParamType[tuple[float, ...]]):
    """One number or several, with commas between them."""

    name = "T[,T...]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(map(float, str(value).split(",")))
        except ValueError:
            self.fail(f"{value!r} is no number, and no numbers with commas between them.", param, ctx)


@click.command(
    epilog=examples(
        "charrnn sample kernel -p 'static int ' -n 500 -t 0.7",
        "charrnn sample tolstoy -p 'The Emperor ' -p 'Natasha ' -t 0.5,0.8,1 -n 200 --seed 1",
        "charrnn sample tolstoy -n 300 --unit quotes --clamp quotes=0.9",
        "charrnn sample shakespeare -t 0.7 --slow 30",
        "charrnn sample tolstoy --interactive",
        "charrnn sample checkpoints/python-lstm --color surprisal --alternatives",
        "charrnn sample checkpoints/python-lstm --temperature 0.7 --seed 1 > sample.txt",
        "charrnn sample checkpoints/names-lstm --count 20 --new",
    )
)
@model_argument
@click.option(
    "-p", "--prime", "primes", multiple=True, metavar="TEXT", help="What the text goes on from; may be repeated."
)
@click.option(
    "--prime-file", metavar="FILE", help="A file whose text it goes on from, less a last newline; - is stdin."
)
@click.option("--skip-unknown", is_flag=True, help="Leave out of the prime what the model has never seen.")
@click.option("-n", "--length", type=click.IntRange(0), default=1000, show_default=True, help="Characters to draw.")
@click.option(
    "-t",
    "--temperature",
    "temperatures",
    type=Numbers(),
    default="1.0",
    show_default=True,
    help="0 is greedy, below 1 cautious, above 1 wild; several write one after the other.",
)
@click.option("--top-k", type=int, metavar="K", help="Draw from the K likeliest characters only.")
@click.option("--top-p", type=float, metavar="P", help="Draw from the likeliest that hold P together only.")
@click.option("--min-p", type=float, metavar="P", help="Draw from those P times as likely as the likeliest only.")
@click.option(
    "--beam", type=int, metavar="K", help="Draw nothing: of the K likeliest beginnings of each length, the best text."
)
@click.option("--stop", multiple=True, metavar="TEXT", help="End when TEXT has been written; may be repeated.")
@click.option(
    "--count", type=click.IntRange(1), default=1, show_default=True, help="Samples, with seeds from --seed on."
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Same seed, same text. Default: another each time.")
@click.option(
    "--color",
    "--unit",
    "color",
    default="none",
    metavar="none|surprisal|L:I",
    shell_complete=completion.units,
    help="Colour, in a terminal, by this; or by a known unit, by its name.",
)
@click.option("--alternatives", is_flag=True, help=f"Show under each character the {GUESSES} likeliest in its place.")
@click.option(
    "--clamp",
    multiple=True,
    metavar="L:I=VALUE",
    help="Hold the h of a unit, or of a known one by its name, at VALUE; may be repeated.",
)
@click.option("--slow", type=click.FloatRange(0.1, 10_000), metavar="N", help="Write N characters a second.")
@click.option("--interactive", is_flag=True, help="Type beginnings, get continuations; /help lists the commands.")
@click.option("--new", is_flag=True, help="Of items: those alone that do not stand in the text.")
@click.option("--distinct", is_flag=True, help="Of items: none twice.")
@click.option("--label", metavar="NAME", help="Of items with classes: the class.")
@click.option(
    "--text",
    multiple=True,
    metavar="SOURCE",
    callback=spare_inputs,
    help="Of items: the text that the model learned, to tell the nearest item in --json, and what is new.",
)
@click.option("-0", "--null", is_flag=True, help="Of items: end each with a zero byte instead of a newline.")
@click.option("-o", "--output", type=OutputFile(), metavar="FILE", help="Write there instead of to stdout.")
@click.option("--nats", "with_nats", is_flag=True, help="With --json: also −ln p of every character.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help=f"Default: float32; for {SIDE_BY_SIDE} samples or more, bfloat16 where the hardware has it.",
)
@device_option
@json_option
def sample(
    model: str,
    device: str,
    color: str,
    alternatives: bool,
    interactive: bool,
    slow: float | None,
    output: Path | None,
    with_nats: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write text as MODEL would, character by character.

    The output is exactly what was drawn: --length characters (fewer where --stop ends it), without the prime. On a
    terminal the prime stands before it, dimmed, and characters that would drive the terminal are shown as signs; into
    a pipe or file the text goes as UTF-8, unchanged. Several samples are separated by a line of three dashes; 16 or
    more are drawn side by side, where rounding may make a text another than its seed gives alone. Without a prime, the
    first character is drawn as the lines of the training text begin, blanks left out.

    Several primes and temperatures (0.5,0.8,1) write one after the other, all from the same seeds. With --output
    FILE.txt each goes to a file of its own, such as FILE-t0.5.txt or FILE-2-Natasha-t0.8.txt. A terminal is told the
    seed.

    A model of items (train --each) writes --count of them, one a line with the prime, each until it ends or --length
    is reached. Whether an item is new is told by items.npy in the run's folder, or by --text.
    """
    _refuse_contradictions(as_json)
    loaded = load_model(model, device)
    refuse_options(loaded.checkpoint, OF_TEXTS, OF_ITEMS)
    primes, temperatures = _primes(loaded, options), options.pop("temperatures")
    items = bool(loaded.checkpoint.header.corpus.items)
    if (items or interactive) and len(primes) * len(temperatures) > 1:
        raise click.UsageError("Several primes or temperatures are for running texts that are written at once.")
    if items:
        sampled = options | {"temperature": temperatures[0]}
        sampled["seed"] = secrets.randbits(32) if options["seed"] is None else options["seed"]
        with written_to(output):
            sample_items(loaded, primes[0], sampled, as_json, with_nats)
        _tell_seed(None if as_json else sampled["seed"])
        return
    settings = {name: value for name, value in options.items() if name not in OF_ITEMS}
    look = Look.parse(color, GUESSES if alternatives else 0, loaded.checkpoint, options["clamp"])
    settings |= {"prime": primes, "temperature": temperatures, "alternatives": look.guesses}
    settings |= {"watch": look.watch and str(look.watch)}
    settings |= {"together": False if look.is_drawn or interactive else None}
    if interactive:
        Session(loaded, settings, look, slow).run()
        return
    texts = loaded.write(**settings)
    if as_json:
        with written_to(output):
            echo_json(texts.to_dict(nats=with_nats))
        return
    try:
        _write(texts, look, slow, output)
    finally:  # a good text that was interrupted can be had again, too
        _tell_seed(texts.seed)


def _primes(model: "Model", options: dict[str, Any]) -> list[str]:
    """The texts that --prime and --prime-file give, or an empty one."""
    primes, file, skip = (options.pop(name) for name in ("primes", "prime_file", "skip_unknown"))
    given = [{"prime": prime} for prime in primes] or [{"prime_file": file}]
    return list(
        dict.fromkeys(prime_of(model.checkpoint, **each, skip_unknown=skip, feedback=FEEDBACK) for each in given)
    )


def _write(texts: "Texts", look: Look, slow: float | None, output: Path | None) -> None:
    """Write the texts to stdout, or those of each prime and temperature to a file of its own."""
    several = len(texts.settings) > 1
    if not (several and output):
        with written_to(output):
            write(texts, look, slow, _head(texts) if several else None)
        return
    files = _files(output, texts)
    for setting, group in groupby(texts, lambda text: (text.prime, text.temperature)):
        with written_to(files[setting]):
            write(group, look, slow)


def _head(texts: "Texts") -> Callable[["Written"], str]:
    """What tells a text from those of other primes and temperatures."""
    primes, temperatures = _distinct(texts)

    def head(text: "Written") -> str:
        told = [f"“{one_line(text.prime)}”"] * (len(primes) > 1)
        return ", ".join(told + [f"temperature {_shown(text.temperature)}"] * (len(temperatures) > 1))

    return head


def _files(output: Path, texts: "Texts") -> dict[tuple[str, float], Path]:
    """A file for each prime and temperature, named after those of which there are several."""
    primes, temperatures = _distinct(texts)
    files = {}
    for prime, temperature in texts.settings:
        words = re.sub(r"[\W_]+", "-", prime[:_SHORT]).strip("-")
        name = f"-{primes.index(prime) + 1}{'-' * bool(words)}{words}" if len(primes) > 1 else ""
        name += f"-t{_shown(temperature)}" if len(temperatures) > 1 else ""
        path = output.with_name(f"{output.stem}{name}{output.suffix}")
        files[prime, temperature] = OutputFile().convert(path, None, None)
    return files


def _distinct(texts: "Texts") -> tuple[list[str], list[float]]:
    primes, temperatures = zip(*texts.settings, strict=True)
    return list(dict.fromkeys(primes)), list(dict.fromkeys(temperatures))


def _shown(temperature: float) -> str:
    return str(temperature).removesuffix(".0")


def _tell_seed(seed: int | None) -> None:
    """Tell a person how the same text is had again."""
    if seed is not None and sys.stderr.isatty():
        note(f"--seed {seed} writes this again")


def _refuse_contradictions(as_json: bool) -> None:
    """Options that say two things, or of which one would be ignored, are wrong usage."""
    context = click.get_current_context()
    given = {
        name for name in context.params if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    beside = {
        "primes": {"prime_file"},
        "beam": {"temperatures", "top_k", "top_p", "min_p", "count", "seed", "color", "alternatives", "interactive"},
        "interactive": {"as_json", "count", "with_nats", "output"},
        "as_json": {"color", "null", "slow"},
    }
    for name, others in beside.items():
        clash = given & others if name in given else set()
        if clash:
            shown = {p.name: p.opts[-1] for p in context.command.params}
            raise click.UsageError(f"{shown[name]} and {shown[min(clash)]} are both given; give one of them.")
    if "with_nats" in given and not as_json:
        raise click.UsageError("--nats says what --json shows; give --json too.")
