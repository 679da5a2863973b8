"""`charrnn neurons gallery`: what a model's best units follow, as one page, with a picture and the figures of each."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.api.limits import CONTEXT, SHORTEST_SEARCH
from charrnn.cli.asked import signals_option
from charrnn.cli.common import (
    FEEDBACK,
    build_network,
    device_option,
    echo_json,
    encode,
    examples,
    json_option,
    load_checkpoint,
    model_argument,
    network_threads_option,
    progress_bar,
    reading_options,
    unseen_part_option,
)
from charrnn.cli.neurons.exhibits import Shown, card, figures_of, passage_of, row
from charrnn.cli.neurons.gallery_text import GalleryText, text_for
from charrnn.cli.output import OutputFolder, echo_written, spare_inputs
from charrnn.display.findings import P_VALUE
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.model.network import CharRNN
    from charrnn.neurons.gallery import Exhibit
    from charrnn.text.corpus import Ids

PAGE, FIGURES = "index.html", "gallery.json"


@click.command(
    epilog=examples(
        "charrnn neurons gallery tolstoy",
        "charrnn neurons gallery tolstoy --signals tanh_c -o memories",
        "charrnn neurons gallery checkpoints/python-lstm python --passage 'def dump(' -o python-gallery",
        "charrnn neurons gallery kernel --passage 'char *audit_unpack_string' -o kernel-gallery",
    )
)
@model_argument
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", callback=spare_inputs)
@click.option(
    "-o", "--output", type=OutputFolder(), default="gallery", show_default=True,
    metavar="FOLDER", help="The folder to write; it is made where it is missing.",
)  # fmt: skip
@click.option(
    "--passage", "passages", multiple=True, metavar="TEXT",
    help="Show the passage whose first line has these words, for features that change in it; may be repeated. "
    "Default: for each feature one that tells.",
)  # fmt: skip
@click.option("--length", type=click.IntRange(20, 5000), default=600, show_default=True, help="Of a passage, at most.")
@click.option(
    "--characters", type=click.IntRange(SHORTEST_SEARCH), default=60_000, show_default=True,
    help="Read that many, from the part's beginning: half to choose units on, half to measure on.",
)  # fmt: skip
@signals_option("Such as h,tanh_c,i,f,g,o. Default: h and, for LSTMs, tanh_c.")
@click.option(
    "--ablated", type=click.IntRange(100), default=4_000, show_default=True,
    help="Characters that are scored with each unit held at its mean.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all that is drawn.")
@unseen_part_option
@reading_options
@device_option
@network_threads_option
@json_option
def gallery(
    model: str, sources: tuple[str, ...], output: Path, passages: tuple[str, ...], length: int, characters: int,
    signals: list[str] | None, ablated: int, seed: int, part: str | None, reading: Reading, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Draw the study's figure for MODEL: what single units follow, each by its best unit on a passage worth reading.

    Place in the line, quotations, if-conditions, comments and strings, indentation, parentheses, a newline to come and
    the turns of speakers are looked for as `neurons find` does, and what it costs to hold each unit is measured as
    `neurons ablate` does, on less text. What no unit follows is said to be not found.

    FOLDER gets a page (index.html, which needs nothing else), an SVG and a PNG of each passage, and gallery.json with
    all figures. SOURCE is by default the test part of the model's own text (all of it, where that is short), if it is a
    named corpus that is here or the run tells where it is; else a text that the model writes itself.
    """
    from charrnn.api.find import signals_wanted
    from charrnn.neurons.features.text_kind import text_kind

    checkpoint = load_checkpoint(model)
    searched = signals_wanted(signals, checkpoint.config)
    text = text_for(model, checkpoint, sources, part, reading, characters, seed)
    ids = encode(checkpoint, text.before + text.characters)
    text = replace(text, characters=checkpoint.vocabulary.decode(ids[len(text.before) :]))
    places = [text.place(words) for words in passages]
    network = build_network(checkpoint, device)
    heard = ids[len(text.before) :][:characters]
    kind = text_kind(text.characters)
    found = _find(network, heard, text, searched, kind, seed)
    shown = _measure(network, heard, text, found, ablated, seed)
    shown = [_show(network, checkpoint, ids, text, each, places, length) for each in shown]
    told = {"model": model, "source": text.source, "part": text.part, "text_kind": kind, "characters": len(heard)}
    told |= {"signals": searched, "ablated": ablated, "seed": seed}
    _write(output, shown, told)
    if as_json:
        echo_json(_figures(shown, told))
    else:
        _tell(shown, output)


def _find(
    network: "CharRNN", heard: "Ids", text: GalleryText, signals: list[str], kind: str, seed: int
) -> "list[Exhibit]":
    from charrnn.model.devices import choose_precision
    from charrnn.neurons.columns import recorded_columns
    from charrnn.neurons.gallery import THEMES, exhibits

    precision = choose_precision(None, network.device)
    with progress_bar(len(heard), "recording") as bar, recorded_columns(
        network, heard, signals, precision, bar.update
    ) as columns:  # fmt: skip
        bar.close()
        with progress_bar(len(THEMES), "searching", "feature") as features_bar:
            characters = text.characters[: len(heard)]
            return exhibits(columns, heard, characters, kind, text.context, seed, features_bar.update)


def _measure(
    network: "CharRNN", heard: "Ids", text: GalleryText, found: "list[Exhibit]", ablated: int, seed: int
) -> list[Shown]:
    """What it costs to hold the units that were found."""
    from charrnn.neurons.gallery import cost

    count, characters = sum(exhibit.found for exhibit in found), text.characters[: len(heard)]
    with progress_bar(count * (min(ablated, len(heard) - len(heard) // 2) - 1), "ablating") as bar:
        return [
            Shown(each, cost(network, heard, characters, each, ablated, text.context, seed, bar.update))
            if each.found
            else Shown(each)
            for each in found
        ]


def _show(
    network: "CharRNN",
    checkpoint: "Checkpoint",
    ids: "Ids",
    text: GalleryText,
    shown: Shown,
    places: list[int],
    length: int,
) -> Shown:
    """Add the passages: those asked for in which the feature changes; where there are none, one that shows it best."""
    from charrnn.neurons.gallery import changes
    from charrnn.neurons.passages import telling_passage, whole_lines

    exhibit, whole = shown.exhibit, text.before + text.characters
    if exhibit.feature is None or exhibit.finding is None or not exhibit.found:
        return shown
    chosen = [
        place
        for place in places
        if changes(exhibit, whole[place : place + length], whole[max(0, place - CONTEXT) : place])
    ]
    if not chosen:
        half = len(text.characters) // 2
        chosen = [len(text.before) + telling_passage(text.characters, exhibit.feature, length, half, text.context)]
    lengths = [len(whole_lines(whole[place : place + length + 1], length)) for place in chosen]
    passages = [
        passage_of(network, checkpoint, ids, exhibit.finding, place, long)
        for place, long in zip(chosen, lengths, strict=True)
    ]
    return replace(shown, passages=[replace(each, part=text.part_at(each.start)) for each in passages])


def _write(output: Path, shown: list[Shown], told: dict[str, Any]) -> None:
    """Write the pictures, the figures and last the page that refers to them."""
    from charrnn.api.drawing import note_missing
    from charrnn.display import gallery as gallery_page
    from charrnn.display import page, picture
    from charrnn.files import replacing

    output.mkdir(parents=True, exist_ok=True)
    _sweep(output, shown)
    missing: set[str] = set()
    for each in shown:
        for highlight, stem in each.pictures(told):
            with replacing(output / f"{stem}.svg") as temporary:
                temporary.write_text(page.svg(highlight), encoding="utf-8")
            with replacing(output / f"{stem}.png") as temporary:
                missing |= picture.draw(highlight, temporary)
    note_missing(missing, FEEDBACK)
    with replacing(output / FIGURES) as temporary:
        figures = json.dumps(_figures(shown, told), ensure_ascii=False, allow_nan=False, indent=1)
        temporary.write_text(figures + "\n", encoding="utf-8")
    of = f"{told['source']}, {told['characters']:,} characters" + (
        f" of its {told['part']} part" if told["part"] in ("train", "val", "test") else ""
    )
    lines = [
        f"Over {of}. Units were chosen on the first half of them; every figure is from the second.",
        "Blue is −1, red +1. ↵ is a newline, ⇥ a tab. Point at a character for its value.",
    ]
    with replacing(output / PAGE) as temporary:
        content = gallery_page.html(
            f"What single units of {told['model']} follow", lines, [card(s, told) for s in shown]
        )
        temporary.write_text(content, encoding="utf-8")


def _sweep(output: Path, shown: list[Shown]) -> None:
    """Remove the pictures of an earlier gallery that this one does not have."""
    for each in shown:
        name = each.exhibit.theme.name
        for path in (*output.glob(f"{name}.*"), *output.glob(f"{name}-*")):
            number = path.stem.removeprefix(name)
            ours = path.suffix in (".svg", ".png") and (not number or number[1:].isdecimal())
            if ours and path.stem not in each.stems:
                path.unlink()


def _figures(shown: list[Shown], told: dict[str, Any]) -> dict[str, Any]:
    return told | {"features": [figures_of(each) for each in shown]}


def _tell(shown: list[Shown], output: Path) -> None:
    click.echo(f"{'':17} {'unit':>5} {'score (95 %)':18} last 5 layer   p {'cost':>8} verdict")
    for each in shown:
        click.echo(row(each))
    click.echo("\nCost: of holding the unit, in nats per character, where its feature is on (of a")
    click.echo("count: everywhere); with *, more than of holding any of some random units.")
    click.echo(P_VALUE)
    echo_written(output / PAGE)
