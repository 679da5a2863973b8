"""`charrnn sample`: text in the style of what a model has read."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from charrnn.cli.common import (
    build_network,
    device_option,
    echo_json,
    examples,
    json_option,
    load_checkpoint,
    model_argument,
    note,
)

if TYPE_CHECKING:
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.sampling.sampler import Drawn, Model


@click.command(
    epilog=examples(
        "charrnn sample checkpoints/python-lstm-1x384 --prime 'def ' --length 500",
        "charrnn sample checkpoints/python-lstm-1x384 --temperature 0.7 --seed 1 > sample.txt",
    )
)
@model_argument
@click.option("--prime", metavar="TEXT", help="What the text goes on from.")
@click.option("--prime-file", metavar="FILE", help="A file whose text it goes on from; - is stdin.")
@click.option("--skip-unknown", is_flag=True, help="Leave out of the prime what the model has never seen.")
@click.option("--length", type=click.IntRange(0), default=1000, show_default=True, help="Characters to draw.")
@click.option("--temperature", default=1.0, show_default=True, help="0 is greedy, below 1 cautious, above 1 wild.")
@click.option("--top-k", type=int, metavar="K", help="Draw from the K likeliest characters only.")
@click.option("--top-p", type=float, metavar="P", help="Draw from the likeliest that hold P together only.")
@click.option("--min-p", type=float, metavar="P", help="Draw from those P times as likely as the likeliest only.")
@click.option("--stop", multiple=True, metavar="TEXT", help="End when TEXT has been written; may be repeated.")
@click.option(
    "--count", type=click.IntRange(1), default=1, show_default=True, help="Samples, with seeds from --seed on."
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Same seed, same text. Default: another each time.")
@device_option
@json_option
def sample(
    model: str, prime: str | None, prime_file: str | None, skip_unknown: bool, length: int, temperature: float,
    top_k: int | None, top_p: float | None, min_p: float | None, stop: tuple[str, ...], count: int,
    seed: int | None, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Write text as MODEL would, character by character.

    The output is exactly what was drawn: --length characters (fewer where --stop ends it), without the prime. On a
    terminal the prime stands before it, dimmed, and characters that would drive the terminal are shown as signs; into
    a pipe or file the text goes as UTF-8, unchanged. Several samples are separated by a line of three dashes.
    """
    from charrnn.sampling.distribution import SamplingConfig
    from charrnn.sampling.sampler import Sampler, until

    if prime is not None and prime_file is not None:
        raise click.UsageError("Both --prime and --prime-file are given; give one of them.")
    config = SamplingConfig(temperature, top_k, top_p, min_p)
    checkpoint = load_checkpoint(model)
    begin = _prime(prime, prime_file, skip_unknown, checkpoint)
    sampler = Sampler(_model(checkpoint, device), checkpoint.vocabulary, config)
    first = _fresh_seed() if seed is None else seed
    samples = ((n, until(sampler.draw(length, begin, n), stop)) for n in range(first, first + count))
    if as_json:
        _write_json(model, temperature, begin, samples)
    else:
        _write(begin, samples, count)


def _write_json(model: str, temperature: float, prime: str, samples: "Iterator[tuple[int, Iterator[Drawn]]]") -> None:
    drawn = [(seed, list(characters)) for seed, characters in samples]
    nats = [d.nats for _, characters in drawn for d in characters]
    texts = [(seed, "".join(d.character for d in characters)) for seed, characters in drawn]
    echo_json(
        {
            "model": model,
            "temperature": temperature,
            "samples": [{"prime": prime, "text": text, "seed": seed} for seed, text in texts],
            "nats": sum(nats) / len(nats) if nats else None,
        }
    )


def _write(prime: str, samples: "Iterator[tuple[int, Iterator[Drawn]]]", count: int) -> None:
    from charrnn.display.signs import visible

    on_terminal = sys.stdout.isatty()
    for number, (_, characters) in enumerate(samples):
        if number:
            sys.stdout.write("\n---\n")
        if on_terminal:
            click.secho(visible(prime), dim=True, nl=False)
        for drawn in characters:
            _put(drawn.character, on_terminal)
    if on_terminal:
        sys.stdout.write("\n")


def _put(character: str, on_terminal: bool) -> None:
    from charrnn.display.signs import visible

    sys.stdout.write(visible(character) if on_terminal else character)
    if on_terminal:
        sys.stdout.flush()


def _prime(prime: str | None, prime_file: str | None, skip_unknown: bool, checkpoint: "Checkpoint") -> str:
    from charrnn.text.sources import read

    text = read([prime_file]).characters if prime_file is not None else prime or ""
    known = checkpoint.vocabulary.known(text)
    if not skip_unknown:
        checkpoint.vocabulary.encode(text)  # names what is unknown, before anything is written
        if len(known) < len(text):
            note(f"{len(text) - len(known)} characters of the prime that the model has never seen were read as U+FFFD")
        return text
    if len(known) < len(text):
        note(f"{len(text) - len(known)} characters of the prime that the model has never seen were left out")
    return known


def _model(checkpoint: "Checkpoint", device: str) -> "Model":
    """The network on numpy, which starts at once and is the fastest for one stream, or on a device asked for."""
    if device in ("auto", "cpu"):
        from charrnn.model.numpy_network import NumpyCharRNN

        return NumpyCharRNN(checkpoint.config, checkpoint.weights)
    from charrnn.model.network import OnArrays

    return OnArrays(build_network(checkpoint, device))


def _fresh_seed() -> int:
    import secrets

    return secrets.randbits(32)
