"""`charrnn score`: how well a model predicts a text."""

from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.api.result import write
from charrnn.cli.common import (
    build_network,
    device_option,
    echo_json,
    examples,
    json_option,
    load_checkpoint,
    model_argument,
    network_threads_option,
    note,
    part_of_text,
    part_option,
    progress_bar,
    read_sources,
    reading_options,
    sources_argument,
)
from charrnn.cli.output import PAGE
from charrnn.display import page, scores, terminal
from charrnn.display.highlight import SURPRISING, Highlight
from charrnn.display.signs import one_line
from charrnn.errors import SourceError
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.evaluation.scoring import Score
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.text.sources import Text

SHOWN = 5000  # characters
PASSAGES = 3  # for each side


@click.command(
    epilog=examples(
        "charrnn score checkpoints/python-lstm python --part test",
        "echo 'import os' | charrnn score checkpoints/python-lstm - --color",
        "charrnn score checkpoints/python-lstm python --part test --baseline --dynamic",
        "charrnn score checkpoints/python-lstm letter.txt --against checkpoints/shakespeare-lstm",
    )
)
@model_argument
@sources_argument
@click.option(
    "--against", multiple=True, metavar="MODEL", help="Another model: which of them is the text most like? Repeatable."
)
@click.option("--baseline", is_flag=True, help="Beside it, n-gram models of the same training text, n from 1 to 10.")
@click.option("--dynamic", is_flag=True, help="Beside it, the model as it goes on learning from what it has read.")
@click.option("--color", is_flag=True, help="Show the text, each character coloured by how unexpected it was.")
@click.option("--html", type=PAGE, metavar="FILE", help="Write the coloured text as a page.")
@click.option("--start", type=click.IntRange(0), default=0, metavar="N", help="Where --color and --html begin.")
@click.option("--length", type=click.IntRange(1), default=SHOWN, show_default=True, help="Characters that they show.")
@part_option
@reading_options
@device_option
@network_threads_option
@json_option
def score(
    model: str, sources: tuple[str, ...], against: tuple[str, ...], baseline: bool, dynamic: bool, color: bool,
    html: Path | None, start: int, length: int, part: str, reading: Reading, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Measure how well MODEL predicts SOURCE: nats and bits per character, and perplexity.

    The state is carried over the whole text; its first character is context and is not counted. A character that the
    model has never seen is passed over by it, and costs 13.92 nats, as if each of Unicode's 1,112,064 were as likely.

    A model of `train --min-count` reads such a character as U+FFFD. This symbol's probability is then shared evenly by
    all that it stands for, itself and the 1,112,064 - V outside a vocabulary of V: to what the model gives for the
    symbol, each adds ln(1,112,065 - V) nats.

    --baseline takes a val or test part of the text that the model was trained on. --dynamic moves the weights after
    every 20 characters (dynamic evaluation, Krause et al. 2018); the model's file stays as it is.
    """
    if color and as_json:
        raise click.UsageError("--color and --json are both given; give one of them.")
    checkpoint = load_checkpoint(model)
    whole = read_sources(sources, reading)
    text = part_of_text(whole, checkpoint, part)
    if len(text) < 2:
        raise SourceError("the text has one character only", "give a text of at least two characters")
    if (color or html) and start >= len(text):
        raise SourceError(f"the text has {len(text):,} characters, none from {start:,} on", "choose a lower --start")
    unknown = checkpoint.vocabulary.unknown(text)
    if unknown and (form := checkpoint.vocabulary.form_of(text, ("NFC", "NFKC"))):
        note(f"with --normalize {form.lower()} the model knows all characters of the text")
    others = {name: load_checkpoint(name) for name in dict.fromkeys(against) if name != model}
    baselines = _baselines(checkpoint, whole, part) if baseline else None
    found = {name: _score(c, text, device, name) for name, c in {model: checkpoint, **others}.items()}
    result = _figures(found[model])
    if baselines:
        result["baselines"] = baselines
    if dynamic:
        result["dynamic"] = _figures(_score_dynamically(checkpoint, text, device))
    if others:
        seen = _seen({model: checkpoint, **others}, checkpoint, text, part)
        result |= _comparison(found, text, seen)
    if as_json:
        echo_json(result)
    else:
        click.echo(scores.text(result))
    if color or html:
        highlight = _highlight(model, sources, text, found[model], start, length)
        if color:
            click.echo("")
            terminal.show(highlight)
        if html:
            write(html, page.html(highlight))
            click.echo(f"wrote {one_line(str(html))}", err=True)
            _tell_bound(len(highlight.cells), page.room(highlight), start)


def _tell_bound(length: int, room: int, start: int) -> None:
    if length > room:
        note(f"the page has room for {room:,} of these {length:,} characters; --start {start + room} goes on")


def _figures(score: "Score") -> dict[str, Any]:
    return {
        "characters": score.characters,
        "nats_per_character": score.nats_per_character,
        "bits_per_character": score.bits_per_character,
        "perplexity": score.perplexity,
        "unknown": score.unknown,
    }


def _score(checkpoint: "Checkpoint", text: str, device: str, name: str) -> "Score":
    from charrnn.evaluation.scoring import score_text

    network = build_network(checkpoint, device)
    with progress_bar(len(text) - 1, one_line(name)) as bar:
        return score_text(network, checkpoint.vocabulary, text, on_read=bar.update)


def _score_dynamically(checkpoint: "Checkpoint", text: str, device: str) -> "Score":
    from charrnn.evaluation.dynamic import score_dynamically
    from charrnn.evaluation.scoring import assembled

    network = build_network(checkpoint, device)
    with progress_bar(len(text) - 1, "learning") as bar:
        return assembled(checkpoint.vocabulary, text, lambda ids: score_dynamically(network, ids, on_read=bar.update))


def _baselines(checkpoint: "Checkpoint", whole: "Text", part: str) -> list[dict[str, float]]:
    """Nats per character of n-gram models over the same characters, the first left out as for the model."""
    from charrnn.errors import ConfigError
    from charrnn.evaluation.ngrams import MAX_ORDER, ngram_nats
    from charrnn.text.corpus import part_of

    if part not in ("val", "test"):
        raise ConfigError("the baseline learns the training part", "choose --part val or --part test to score on")
    split, vocabulary = checkpoint.header.corpus.split, checkpoint.vocabulary
    train, text = (vocabulary.encode(part_of(whole, split, name)) for name in ("train", part))
    found = []
    with progress_bar(MAX_ORDER, "n-grams", unit="order") as bar:
        for order, nats in enumerate(ngram_nats(train, text, len(vocabulary)), start=1):
            found.append({"order": order, "nats_per_character": float(nats[1:].mean())})
            bar.update()
    return found


def _seen(models: "dict[str, Checkpoint]", judge: "Checkpoint", text: str, part: str) -> dict[str, int]:
    """How many of the text's characters each model was trained on, as far as can be told; a note says which were."""
    from charrnn.text.sources import Text

    split = judge.header.corpus.split  # what a part is a part of was found to be the judge's own text
    whole = Text("", text).sha256 if part == "all" else judge.header.corpus.sha256
    start = 0 if part == "all" else sum(split[name] for name in takewhile(lambda name: name != part, split))
    seen = {}
    for name, checkpoint in models.items():
        corpus = checkpoint.header.corpus
        read = corpus.split["train"] if corpus.sha256 == whole else 0
        seen[name] = min(max(read - start, 0), len(text))
        if seen[name]:
            note(f"{name} was trained on {seen[name]:,} of these {len(text):,} characters, which flatters it here")
    return seen


def _comparison(scores: "dict[str, Score]", text: str, seen: dict[str, int]) -> dict[str, Any]:
    """Which model the text is most like; how much it saves against each other one; where that shows most."""
    from charrnn.evaluation.comparison import difference, ranked, telling_passages

    names = list(scores)
    order = [names[place] for place in ranked([scores[name].nats_per_character for name in names])]
    best, second = scores[order[0]], scores[order[1]]
    models = [
        {"model": name, "trained_on": seen[name]}
        | _figures(scores[name])
        | asdict(difference(best.nats, scores[name].nats))
        for name in order
    ]
    sides = telling_passages(best.nats, second.nats, PASSAGES)
    passages = [
        asdict(passage) | {"like": name, "text": text[passage.start : passage.end]}
        for name, side in zip(order, sides, strict=False)
        for passage in side
    ]
    return {"most_like": order[0], "models": models, "passages": passages}


def _highlight(model: str, sources: tuple[str, ...], text: str, score: "Score", start: int, length: int) -> Highlight:
    end = min(start + length, len(text))
    return Highlight.of(
        title=f"How unexpected each character is to {model}",
        scale="surprisal in nats, −ln p of the character given all before it",
        source=f"{' '.join(sources)}, characters {start:,} to {end:,} of {len(text):,}",
        text=text[start:end],
        values=score.nats[start:end].tolist(),
        guesses=[],
        top=SURPRISING,
    )
