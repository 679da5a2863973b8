"""`charrnn sample`: text in the style of what a model has read."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from charrnn.cli.common import (
    device_option,
    echo_json,
    examples,
    json_option,
    load_checkpoint,
    model_argument,
    note,
    refuse_options,
)
from charrnn.cli.output import OutputFile, spare_inputs, written_to
from charrnn.errors import counted

if TYPE_CHECKING:
    from charrnn.cli.writing import Look
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.model.clamping import Clamp
    from charrnn.model.stepped_network import SteppedCharRNN
    from charrnn.sampling.sampler import Drawn, Sampler

SIDE_BY_SIDE = 16  # samples from which on they are drawn together, by torch
HELD = 100  # bytes at least that a character takes which is drawn and not yet written
GUESSES = 5  # runners-up that are shown

# Options, as click names them, of a running text that items have no use for, and of items.
OF_TEXTS = ("beam", "stop", "color", "alternatives", "interactive", "device", "precision")
OF_ITEMS = ("new", "distinct", "null", "text", "label")

Samples = Iterator[tuple[int | None, "Iterator[Drawn]"]]  # with its seed; a beam search has none


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
@click.option("--clamp", "clamps", multiple=True, metavar="L:I=VALUE", help="Hold unit L:I's h at VALUE; repeatable.")
@click.option("--interactive", is_flag=True, help="Type beginnings, get continuations; /help lists the commands.")
@click.option("--new", is_flag=True, help="Of items: those alone that do not stand in the text.")
@click.option("--distinct", is_flag=True, help="Of items: none twice.")
@click.option("--label", metavar="NAME", help="Of items with classes: the class.")
@click.option(
    "--text", multiple=True, metavar="SOURCE", callback=spare_inputs,
    help="Of items: the text that the model learned, to tell the nearest item in --json, and what is new.",
)  # fmt: skip
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
    model: str, prime: str | None, prime_file: str | None, skip_unknown: bool, length: int, temperature: float,
    top_k: int | None, top_p: float | None, min_p: float | None, beam: int | None, stop: tuple[str, ...], count: int,
    seed: int | None, color: str, alternatives: bool, clamps: tuple[str, ...], interactive: bool, new: bool,
    distinct: bool, label: str | None, text: tuple[str, ...], null: bool, output: Path | None, with_nats: bool,
    precision: str | None, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Write text as MODEL would, character by character.

    The output is exactly what was drawn: --length characters (fewer where --stop ends it), without the prime. On a
    terminal the prime stands before it, dimmed, and characters that would drive the terminal are shown as signs; into
    a pipe or file the text goes as UTF-8, unchanged. Several samples are separated by a line of three dashes; 16 or
    more are drawn side by side, where rounding may make a text another than its seed gives alone. Without a prime, the
    first character is drawn as the lines of the training text begin.

    A model of items (train --each) writes --count of them, one a line with the prime, each until it ends or --length
    is reached. Whether an item is new is told by items.npy in the run's folder, or by --text.
    """
    from charrnn.cli.writing import Look, as_report, write
    from charrnn.model.clamping import Clamp
    from charrnn.sampling.distribution import SamplingConfig
    from charrnn.sampling.sampler import Sampler

    _refuse_contradictions(as_json)
    config = SamplingConfig(temperature, top_k, top_p, min_p)
    checkpoint = load_checkpoint(model)
    refuse_options(checkpoint, OF_TEXTS, OF_ITEMS)
    held = [Clamp.parse(clamp, checkpoint.config) for clamp in clamps]
    if checkpoint.header.corpus.items:
        from charrnn.api.items import Choice
        from charrnn.cli.sample_items import Wanted, sample_items

        begin, first = _prime(prime, prime_file, skip_unknown, checkpoint), _fresh_seed() if seed is None else seed
        wanted = Wanted(Choice(count, new, distinct), length, begin, first, config, held, label, text)
        with written_to(output):
            sample_items(model, checkpoint, wanted, as_json, with_nats, null)
        return
    clamped = ", ".join(f"h of {each.layer}:{each.index} = {each.value:g}" for each in held)
    look = Look.parse(color, GUESSES if alternatives else 0, checkpoint.config, clamped)
    together = count >= SIDE_BY_SIDE and not (look.is_drawn or interactive)
    network = _network(checkpoint, device, precision, held, together)
    sampler = Sampler(network, checkpoint.vocabulary, config, checkpoint.header.line_beginnings)
    begin = _prime(prime, prime_file, skip_unknown, checkpoint)
    if interactive:
        from charrnn.cli.interactive import Session

        Session(sampler, checkpoint.config, look, begin, length, stop, seed).run()
        return
    if as_json or together or beam is not None:
        _check_room(length, count)
    first = _fresh_seed() if seed is None else seed
    samples = _samples(sampler, length, begin, range(first, first + count), stop, look, beam, together)
    with written_to(output):
        if not as_json:
            write(begin, samples, look)
            return
        if seed is None and temperature == 0:
            samples = ((None, drawn) for _, drawn in samples)  # nothing is drawn, so no seed is told
        echo_json({"model": model, "temperature": temperature} | as_report(begin, samples, with_nats))


def _check_room(length: int, count: int) -> None:
    """Refuse more characters than can be held, where they are: what is written as it is drawn may be of any length."""
    from charrnn.room import available, check_memory

    whole = f"to hold {count:,} × {length:,} characters"
    cure = "choose a smaller --length or --count, or leave --json and --beam out: one text is written as it is drawn"
    check_memory(whole, HELD * length * count, available(), cure)


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


def _samples(
    sampler: "Sampler", length: int, prime: str, seeds: Sequence[int], stops: Sequence[str], look: "Look",
    beam: int | None, together: bool,
) -> Samples:  # fmt: skip
    """The samples, each with its seed; one after the other as they are asked for, or all at once."""
    from charrnn.sampling.beam import beam_search
    from charrnn.sampling.sampler import until

    if beam is not None:
        yield None, beam_search(sampler, beam, length, prime, stops)
    elif together:
        yield from _side_by_side(sampler, length, prime, seeds, stops)
    else:
        for seed in seeds:
            yield seed, until(sampler.draw(length, prime, seed, look.guesses, look.watch), stops)


def _side_by_side(sampler: "Sampler", length: int, prime: str, seeds: Sequence[int], stops: Sequence[str]) -> Samples:
    import numpy as np

    from charrnn.sampling.sampler import Drawn, until

    blocks = list(sampler.draw_many(length, prime, seeds))
    for number, seed in enumerate(seeds):
        ids = np.concatenate([ids[:, number] for ids, _ in blocks]) if blocks else np.zeros(0, int)
        nats = np.concatenate([nats[:, number] for _, nats in blocks]).tolist() if blocks else []
        yield seed, until(map(Drawn, sampler.vocabulary.decode(ids), nats), stops)


def _prime(prime: str | None, prime_file: str | None, skip_unknown: bool, checkpoint: "Checkpoint") -> str:
    from charrnn.text.sources import read

    text = read([prime_file]).characters.removesuffix("\n") if prime_file is not None else prime or ""
    known = checkpoint.vocabulary.known(text)
    if not skip_unknown:
        checkpoint.vocabulary.encode(text)  # names what is unknown, before anything is written
    if len(known) < len(text):
        unseen = counted(len(text) - len(known), "character")
        done = "left out" if skip_unknown else "read as U+FFFD"
        note(f"{done}: {unseen} of the prime that the model has never seen")
    return known if skip_unknown else text


def _network(
    checkpoint: "Checkpoint", device: str, precision: str | None, clamps: "list[Clamp]", together: bool
) -> "SteppedCharRNN":
    """The network on numpy, which starts at once and is the fastest for few streams, or on torch."""
    if device in ("auto", "cpu") and precision != "bfloat16" and not together:
        from charrnn.model.stepped_network import SteppedCharRNN

        return SteppedCharRNN(checkpoint.config, checkpoint.weights, clamps)
    from charrnn.model.devices import choose_device, choose_precision
    from charrnn.model.network import stepped_on
    from charrnn.runs.allocator import keep_freed_memory

    keep_freed_memory()  # many streams' gates are large blocks too
    where = choose_device(device)
    number = choose_precision(precision if together or precision else "float32", where)
    return stepped_on(checkpoint.config, checkpoint.weights, where, number, clamps)


def _fresh_seed() -> int:
    import secrets

    return secrets.randbits(32)
