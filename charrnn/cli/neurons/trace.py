"""`charrnn neurons trace`: how strongly each earlier character bears on one prediction."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from charrnn.cli.common import (
    build_network,
    device_option,
    encode,
    examples,
    json_text,
    load_checkpoint,
    model_argument,
    part_option,
    read_unseen,
    reading_options,
    sources_argument,
)
from charrnn.cli.output import OutputFile, echo_written, form_for
from charrnn.errors import counted
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.display.reach import Reach
    from charrnn.neurons.influence import Influence
    from charrnn.text.vocabulary import Vocabulary

LIKELIEST = 5  # characters told with their chances
SCALES = {
    "norm": "log scale: 3 the strongest, 2 a tenth, 0 a thousandth",
    "product": "log scale: ±1 strongest, ±⅔ a tenth; red for it, blue against",
}


@click.command(
    epilog=examples(
        "charrnn neurons trace checkpoints/python-lstm python --at 5000",
        "charrnn neurons trace checkpoints/python-lstm python --at 5000 --of ' ' --measure product",
        "charrnn neurons trace checkpoints/python-lstm python --at 5000 -o reach.png",
    )
)
@model_argument
@sources_argument
@click.option(
    "--at", "position", type=int, required=True, metavar="POSITION", help="The character predicted, counted from 0."
)
@click.option("--of", "character", metavar="CHARACTER", help="Another character in its place. Default: the one there.")
@click.option(
    "--length", type=click.IntRange(1, 20_000), default=300, show_default=True,
    help="Characters to go back; a picture shows the last 100 rows of them.",
)  # fmt: skip
@click.option(
    "--measure", type=click.Choice(["norm", "product"]), default="norm", show_default=True,
    help="The gradient's Euclidean norm, or gradient · input, which has a sign.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["terminal", "html", "svg", "json", "png"]),
    help="Default: by the output's name, else terminal.",
)  # fmt: skip
@click.option(
    "-o", "--output", type=OutputFile(), metavar="FILE",
    help="The file to write. Default: stdout.",
)  # fmt: skip
@part_option
@reading_options
@device_option
def trace(
    model: str, sources: tuple[str, ...], position: int, character: str | None, length: int,
    measure: Literal["norm", "product"], form: str | None, output: Path | None, part: str, reading: Reading,
    device: str,
) -> None:  # fmt: skip
    """Colour what stands before a character by how strongly it bears on the model's prediction there.

    That is the gradient of the character's log-probability with respect to each earlier character's input: its
    embedding, or its one-hot row. The norm tells how much the prediction could change with a character (saliency:
    Simonyan et al. 2013; of words in recurrent networks: Li et al. 2016); the product with the input, how much
    the log-probability would fall, to first order, without it.
    """
    from charrnn.neurons.influence import influence

    form = form_for(form, output)
    checkpoint = load_checkpoint(model)
    target = None if character is None else _one_id(checkpoint.vocabulary, character)
    ids = encode(checkpoint, read_unseen(sources, reading, checkpoint, part)[0])
    found = influence(build_network(checkpoint, device), ids, position, length, target, measure)
    text = checkpoint.vocabulary.decode(ids[position - len(found.logs) : position + 1])
    told = {
        "model": model, "source": " ".join(sources), "measure": measure, "characters": len(ids),
        **_told(found, text, checkpoint.vocabulary),
    }  # fmt: skip
    _emit(told, form, output)


def _one_id(vocabulary: "Vocabulary", character: str) -> int:
    from charrnn.errors import ConfigError

    if len(character) != 1:
        raise ConfigError(f"--of has {counted(len(character), 'character')}", "give one")
    return int(vocabulary.encode(character)[0])


def _told(found: "Influence", text: str, vocabulary: "Vocabulary") -> dict[str, Any]:
    """What is known, in the words of the JSON object."""
    from charrnn.neurons.influence import SHARES

    likeliest = found.chances.argsort(kind="stable")[::-1][:LIKELIEST]
    return {
        "position": found.position,
        "there": text[-1],
        "of": vocabulary.decode([found.target]),
        "probability": float(found.chances[found.target]),
        "likeliest": [[vocabulary.decode([i]), float(found.chances[i])] for i in likeliest],
        "start": found.position - len(found.logs),
        "text": text[:-1],
        "influence": found.relative.tolist(),
        "log10_strongest": found.strongest,
        "reach": {f"{share:g}": found.reach(share) for share in SHARES},
    }


def _emit(told: dict[str, Any], form: str, output: Path | None) -> None:
    from charrnn.display import reach, terminal
    from charrnn.files import replacing

    drawn = _reach(told)
    if output is None and form == "terminal":
        terminal.show(drawn.highlight)
        click.echo("\n".join(_below(drawn)))
        return
    if form == "png" and output is not None:
        with replacing(output) as temporary:
            reach.png(drawn, temporary)
    else:
        content = _written(told, drawn, form)
        if output is None:
            click.echo(content, nl=False)
            return
        with replacing(output) as temporary:
            temporary.write_text(content, encoding="utf-8")
    echo_written(output)


def _written(told: dict[str, Any], drawn: "Reach", form: str) -> str:
    from charrnn.display import reach, terminal

    if form == "json":
        return json_text(told) + "\n"
    if form == "terminal":
        return terminal.plain(drawn.highlight) + "\n".join(_below(drawn)) + "\n"
    return reach.html(drawn) if form == "html" else reach.svg(drawn)


def _reach(told: dict[str, Any]) -> "Reach":
    from charrnn.display.highlight import Highlight
    from charrnn.display.reach import DECADES, Reach, place

    signed = told["measure"] == "product"
    places = [place(value) for value in told["influence"]]
    highlight = Highlight.of(
        title=_title(told),
        scale=SCALES[told["measure"]],
        source=_source(told),
        text=told["text"],
        values=places if signed else [DECADES * value for value in places],
        guesses=[[]] * (len(places) - 1) + [[(told["of"], told["probability"])]],  # under the last, what is predicted
        top=None if signed else DECADES,
    )
    shares = [(float(share), distance) for share, distance in told["reach"].items()]
    return Reach(highlight, [abs(value) for value in told["influence"]], shares)


def _title(told: dict[str, Any]) -> str:
    """Which prediction it is about, and how the model holds it."""
    from charrnn.display.highlight import guess_sign

    of, there = guess_sign(told["of"]), guess_sign(told["there"])
    instead = "" if of == there else f" instead of “{there}”"
    return f"What bears on “{of}”{instead} at {told['position']:,}, held {_percent(told['probability'])} likely"


def _source(told: dict[str, Any]) -> str:
    from charrnn.display.highlight import guess_sign

    likeliest = "  ".join(f"{guess_sign(c)} {_percent(chance)}" for c, chance in told["likeliest"])
    return f"{told['model']}, {told['source']} from {told['start']:,} on; likeliest: {likeliest}"


def _below(drawn: "Reach") -> list[str]:
    """The curve of influence over distance, as lines of text."""
    from charrnn.display.reach import curve_rows

    within = ", ".join(f"{100 * share:g} % within {distance}" for share, distance in drawn.shares)
    heads = f"{'back':>11}  {'strongest':>9}  {'of all':>7}"
    return ["", f"Of all influence lie {within} characters.", heads, *curve_rows(drawn)]


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f} %" if chance >= 0.005 else f"{100 * chance:.1g} %"
