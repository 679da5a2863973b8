"""`charrnn sample`: text in the style of what a model has read."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.api.sample import SIDE_BY_SIDE, prime_of
from charrnn.cli.common import (
    FEEDBACK,
    device_option,
    echo_json,
    examples,
    json_option,
    load_model,
    model_argument,
    refuse_options,
)
from charrnn.cli.interactive import Session
from charrnn.cli.output import OutputFile, spare_inputs, written_to
from charrnn.cli.sample_items import sample_items
from charrnn.cli.writing import GUESSES, Look, write

if TYPE_CHECKING:
    pass

# Options, as click names them, of a running text that items have no use for, and of items.
OF_TEXTS = ("beam", "stop", "color", "alternatives", "interactive", "device", "precision")
OF_ITEMS = ("new", "distinct", "null", "text", "label")


@click.command(
    epilog=examples(
        "charrnn sample checkpoints/python-lstm --prime 'def ' --length 500",
        "charrnn sample checkpoints/python-lstm --temperature 0.7 --seed 1 > sample.txt",
        "charrnn sample checkpoints/python-lstm --color surprisal --alternatives",
        "charrnn sample checkpoints/python-lstm --clamp 0:42=0.9 --color 0:42",
        "charrnn sample checkpoints/python-lstm --interactive",
        "charrnn sample checkpoints/names-lstm --count 20 --new",
    )
)
@model_argument
@click.option("--prime", metavar="TEXT", help="What the text goes on from.")
@click.option(
    "--prime-file", metavar="FILE", help="A file whose text it goes on from, less a last newline; - is stdin."
)
@click.option("--skip-unknown", is_flag=True, help="Leave out of the prime what the model has never seen.")
@click.option("--length", type=click.IntRange(0), default=1000, show_default=True, help="Characters to draw.")
@click.option("--temperature", default=1.0, show_default=True, help="0 is greedy, below 1 cautious, above 1 wild.")
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
@click.option("--color", default="none", metavar="none|surprisal|L:I", help="Colour, in a terminal, by this.")
@click.option("--alternatives", is_flag=True, help=f"Show under each character the {GUESSES} likeliest in its place.")
@click.option("--clamp", multiple=True, metavar="L:I=VALUE", help="Hold unit L:I's h at VALUE; repeatable.")
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
@click.option("-o", "--output", type=OutputFile(), metavar="FILE", help="Write to FILE instead of stdout.")
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
    first character is drawn as the lines of the training text begin.

    A model of items (train --each) writes --count of them, one a line with the prime, each until it ends or --length
    is reached. Whether an item is new is told by items.npy in the run's folder, or by --text.
    """
    _refuse_contradictions(as_json)
    loaded = load_model(model, device)
    refuse_options(loaded.checkpoint, OF_TEXTS, OF_ITEMS)
    of_prime = {name: options.pop(name) for name in ("prime", "prime_file", "skip_unknown")}
    prime = prime_of(loaded.checkpoint, **of_prime, feedback=FEEDBACK)
    if loaded.checkpoint.header.corpus.items:
        with written_to(output):
            sample_items(loaded, prime, options, as_json, with_nats)
        return
    options = {name: value for name, value in options.items() if name not in OF_ITEMS}
    look = Look.parse(color, GUESSES if alternatives else 0, loaded.config, options["clamp"])
    texts = loaded.write(
        prime=prime,
        watch=None if look.watch is None else str(look.watch),
        alternatives=look.guesses,
        together=False if look.is_drawn or interactive else None,
        **options,
    )
    if interactive:
        Session(texts.sampler, loaded.config, look, prime, options["length"], options["stop"], options["seed"]).run()
        return
    with written_to(output):
        if as_json:
            echo_json(texts.to_dict(nats=with_nats))
        else:
            write(prime, texts, look)


def _refuse_contradictions(as_json: bool) -> None:
    """Options that say two things, or of which one would be ignored, are wrong usage."""
    context = click.get_current_context()
    given = {
        name for name in context.params if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    }
    beside = {
        "prime": {"prime_file"},
        "beam": {"temperature", "top_k", "top_p", "min_p", "count", "seed", "color", "alternatives", "interactive"},
        "interactive": {"as_json", "count", "with_nats", "output"},
        "as_json": {"color", "null"},
    }
    for name, others in beside.items():
        clash = given & others if name in given else set()
        if clash:
            shown = {p.name: p.opts[-1] for p in context.command.params}
            raise click.UsageError(f"{shown[name]} and {shown[min(clash)]} are both given; give one of them.")
    if "with_nats" in given and not as_json:
        raise click.UsageError("--nats says what --json shows; give --json too.")
