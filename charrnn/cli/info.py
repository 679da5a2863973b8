"""`charrnn info`: what a checkpoint is and what it was trained on."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import echo_json, examples, json_option, load_checkpoint, model_argument
from charrnn.errors import counted, some

if TYPE_CHECKING:
    from charrnn.model.checkpoint import Checkpoint


@click.command(epilog=examples("charrnn info checkpoints/python-lstm", "charrnn info checkpoints/python-lstm --json"))
@model_argument
@json_option
def info(model: str, as_json: bool) -> None:
    """Show what a model is: its network, its text, its figures."""
    checkpoint = load_checkpoint(model)
    from charrnn.training.history import resumes_from

    sources = resumes_from(Path(model))
    if as_json:
        echo_json({**_described(checkpoint), "resumes_from": list(sources)})
        return
    from charrnn.display.signs import one_line

    resumes = [("--resume", f"reads {some(sources)}")] if sources else []
    for name, value in (*_rows(checkpoint), *resumes):
        click.echo(f"{name:<12} {one_line(value)}")


def _rows(checkpoint: "Checkpoint") -> Iterator[tuple[str, str]]:
    """What a person reads."""
    from charrnn.model.checkpoint import bits

    header, model = checkpoint.header, checkpoint.config
    corpus, figures = header.corpus, header.figures
    layers = counted(model.num_layers, "layer")
    embedding = f"embedding {model.embedding_size}" if model.embedding_size else "one-hot"
    yield "network", f"{model.kind}, {layers} of {counted(model.hidden_size, 'unit')}, {embedding}, {model.dropouts}"
    yield "parameters", f"{model.parameters:,}, stored in {checkpoint.number}"
    yield (
        "text",
        f"{corpus.name}, {corpus.characters:,} characters" + (f" ({corpus.licence})" if corpus.licence else ""),
    )
    if corpus.source:
        yield "source", corpus.source
    yield "split", ", ".join(f"{part} {length:,}" for part, length in corpus.split.items())
    yield "SHA-256", corpus.sha256
    yield "characters", f"{len(checkpoint.vocabulary)}: {checkpoint.vocabulary.characters}"
    for part in ("train", "val", "test"):
        nats = getattr(figures, f"{part}_nats")
        if nats is not None:
            yield f"{part} loss", f"{nats:.4f} nats per character ({bits(nats):.4f} bits){figures.of(part)}"
    yield "trained", f"{counted(figures.step, 'step')}, {figures.epoch:.2f} epochs, {figures.seconds:.0f} s"
    yield "recipe", ", ".join(f"{name} {value}" for name, value in header.training.items())
    if header.known_units:
        yield "known units", ", ".join(f"{each.feature} {each.unit} ({each.score:.2f})" for each in header.known_units)
    yield "made", f"{header.created} by charrnn {header.charrnn_version}, format {checkpoint.format_version}"


def _described(checkpoint: "Checkpoint") -> dict[str, Any]:
    """What a script reads."""
    header = checkpoint.header
    return {
        "format_version": checkpoint.format_version,
        "number_format": checkpoint.number,
        **asdict(header.model),
        "parameters": header.model.parameters,
        **asdict(header.figures),
        "corpus": asdict(header.corpus),
        "training": header.training,
        "known_units": [asdict(each) for each in header.known_units],
        "vocabulary": checkpoint.vocabulary.characters,
        "created": header.created,
        "charrnn_version": header.charrnn_version,
    }
