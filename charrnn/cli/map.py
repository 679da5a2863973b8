"""`charrnn map`: models that answer an input, such as a date in one form by the same date in another."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from charrnn import api
from charrnn.api.map_watch import MapWatch
from charrnn.cli.common import (
    FEEDBACK,
    Decorator,
    device_option,
    echo_json,
    examples,
    json_option,
    say,
    show,
    threads_option,
)  # fmt: skip
from charrnn.cli.drawing import drawing_options, emit
from charrnn.cli.output import OutputFile, OutputFolder, RunFolder, form_for, spare_inputs
from charrnn.cli.progress import TrainingOnTerminal
from charrnn.conditioned.config import ATTENTIONS
from charrnn.conditioned.extractors import NAMES as EXTRACTORS
from charrnn.conditioned.generated import SETS
from charrnn.conditioned.training import SCHEDULES
from charrnn.display.signs import one_line
from charrnn.errors import SourceError
from charrnn.model.config import CELL_NAMES, NONLINEARITIES
from charrnn.text.opening import is_file
from charrnn.text.sources import read

BESIDE_RESUME = ("resume", "device", "threads", "as_json")
columns: list[Decorator] = [
    click.option("--source", metavar="COLUMN", help="The column of the inputs. Default: source, input, or the first."),
    click.option("--target", metavar="COLUMN", help="The column of the outputs. Default: target, output, or the 2nd."),
    click.option("--label", metavar="COLUMN", help="Instead: the column of classes; or file or folder, each a class."),
    click.option("--val-fraction", type=float, metavar="P", help="For validation. Default: 0.05, at most 2,000."),
    click.option("--test-fraction", type=float, metavar="P", help="For the test. Default: the same."),
    click.option("--images", metavar="FEATURES", help="The examples are about images, of these features."),
]
image_options: list[Decorator] = [
    click.option("--image", metavar="PICTURE", help="The picture that a question is about."),
    click.option("--images", metavar="FEATURES", help="Look pictures up there. Default: extract them."),
]

beam_option: Decorator = click.option(
    "--beam", type=click.IntRange(1, 1000), default=1, show_default=True, help="Width of beam search; 1 is greedy."
)


@click.group(
    name="map",
    epilog=examples(
        "charrnn map examples dates -o dates",
        "charrnn map train dates --source english --target iso",
        "charrnn map apply checkpoints/dates-map 'Thursday, 26 November 2026'",
    ),
)
def map() -> None:
    """Learn from pairs to turn one text into another, and see where the model looks while it writes.

    EXAMPLES is a table of pairs (.tsv, .csv, .jsonl), two parallel files of lines, a folder with train.tsv, val.tsv and
    test.tsv, files or folders that are classes, or the set cmudict or movie-reviews. With --images it is captions of
    images or questions about them: Flickr8k.token.txt, COCO, Karpathy, VQA, CLEVR, or a table with a column image.
    """


class MapOnTerminal(TrainingOnTerminal, MapWatch):
    """The bar of a training run, for a conditioned model."""

    def announced(self, line: str) -> None:
        """Write what is trained, and draw the bar."""
        self.announce(line)


def _with(options: list[Decorator]) -> Decorator:
    """What gives a command several options, in their order."""

    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@map.command(
    epilog=examples(
        "charrnn map train dates --source english --target iso --minutes 2",
        "charrnn map train pairs.tsv --attention none --hidden-size 128 --steps 500",
        "charrnn map train english.txt korean.txt --out checkpoints/translation",
        "charrnn map train movie-reviews --label label --init-from checkpoints/reviews",
        "charrnn map train scenes --images scenes.npz",
        "charrnn map train --resume checkpoints/translation",
    )
)
@click.argument("paths", nargs=-1, metavar="EXAMPLES...")
@_with(columns)
@click.option("--spaced", is_flag=True, help="Outputs are symbols between spaces, such as phones.")
@click.option("--answers", type=int, metavar="N", help="To questions: learn the N commonest. Default: 1000.")
@click.option("--convolutions", type=int, metavar="N", help="Of a small CNN over images. Default: 0.")
@click.option("--out", type=OutputFolder(), metavar="RUN", help="The run folder. Default: a new one in checkpoints/.")
@click.option("--init-from", metavar="MODEL", help="Begin the encoder with this character model's sizes and weights.")
@click.option("--resume", type=RunFolder(), metavar="RUN", help="Continue a stopped run exactly.")
@click.option("--attention", type=click.Choice(ATTENTIONS), help="Hard: one place; none: all alike. Default: soft.")
@click.option(
    "--soft-part", type=float, metavar="P", help="Part of the run in which hard attention is soft. Default: 0.4."
)
@click.option("--cell", type=click.Choice(CELL_NAMES), help="Of encoder and decoder. Default: lstm.")
@click.option("--nonlinearity", type=click.Choice(NONLINEARITIES), help="Of --cell rnn. Default: tanh.")
@click.option("--bidirectional/--one-way", default=None, help="Whether the encoder reads both ways. Default: it does.")
@click.option("--num-layers", type=int, metavar="N", help="Layers of the encoder and of the decoder. Default: 1.")
@click.option("--hidden-size", type=int, metavar="N", help="Units in each decoder layer. Default: by data and time.")
@click.option("--memory-size", type=int, metavar="N", help="Numbers at each place of the memory. Default: as many.")
@click.option("--embedding-size", type=int, metavar="N", help="Numbers for a symbol. Default: 64.")
@click.option("--attention-size", type=int, metavar="N", help="Numbers of a key and a query. Default: half the units.")
@click.option("--dropout", type=float, metavar="P", help="Part of the units dropped. Default: by data and time.")
@click.option("--batch-size", type=int, metavar="N", help="Pairs in a step. Default: 64.")
@click.option("--learning-rate", type=float, metavar="R", help="Peak learning rate. Default: by width.")
@click.option("--schedule", type=click.Choice(SCHEDULES), help="Of the rate, after the warm-up. Default: cosine.")
@click.option("--warmup", type=float, metavar="P", help="Part of the run in which the rate rises. Default: 0.03.")
@click.option("--weight-decay", type=float, metavar="W", help="Weight decay of AdamW. Default: 0.")
@click.option("--clip-norm", type=float, metavar="C", help="Largest norm of the gradient. Default: 1.")
@click.option("--epochs", type=float, metavar="N", help="Stop after N readings of the examples.")
@click.option("--steps", type=int, metavar="N", help="Stop after N steps.")
@click.option("--minutes", type=float, metavar="M", help="Stop after M minutes. Default: 5.")
@click.option("--sample-every", type=int, metavar="N", help="Validate and save every N steps. Default: 20 times.")
@click.option("--seed", type=int, metavar="N", help="Of split, first weights, order and dropout. Default: 0.")
@device_option
@threads_option
@json_option
def train(paths: tuple[str, ...], resume: Path | None, out: Path | None, device: str, threads: int | None,
          as_json: bool, **given: Any) -> None:  # fmt: skip
    """Train a model that answers an input, and keep it in a run folder.

    The split is by input: equal inputs never stand on two sides. The folder holds best.safetensors, last.safetensors,
    log.jsonl, samples.jsonl (answers on the way) and, for --resume, state.safetensors. Ctrl-C saves and ends the run.
    """
    watch = MapOnTerminal()
    if resume is not None:
        _refuse_choices_beside_resume()
        ended = api.map.resume(resume, device=device, threads=threads, watch=watch)
    elif paths:
        ended = api.map.train(paths, out=out, device=device, threads=threads, watch=watch, **given)
    else:
        raise click.UsageError("Missing argument 'EXAMPLES...'.")
    if as_json:
        echo_json(ended.trained.to_dict())
    else:
        for line in str(ended.trained).split("\n"):
            say(line)
    if ended.error and not watch.signal:
        raise ended.error
    if watch.signal:
        raise SystemExit(128 + watch.signal)


def _refuse_choices_beside_resume() -> None:
    """A resumed run takes all from the run; an option that would be ignored is an error."""
    context = click.get_current_context()
    for name in context.params:
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in BESIDE_RESUME:
            raise click.UsageError(f"{name} cannot be chosen again with --resume; leave it out.")


@map.command(
    epilog=examples(
        "charrnn map apply checkpoints/dates-map 'Thursday, 26 November 2026'",
        "cat inputs.txt | charrnn map apply checkpoints/dates-map - --beam 5 --json",
        "charrnn map apply checkpoints/dates-map inputs.txt --count 3 --temperature 0.5 --seed 1",
    )
)
@click.argument("model", metavar="MODEL")
@click.argument("given", metavar="INPUT|FILE|-")
@click.option(
    "--beam",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Beginnings that beam search keeps; 1 is greedy.",
)
@click.option("--count", type=click.IntRange(1), metavar="N", help="Draw N answers to each input at random instead.")
@click.option(
    "--temperature",
    type=float,
    default=1.0,
    show_default=True,
    metavar="T",
    help="With --count: 0 draws the likeliest symbols.",
)
@click.option("--seed", type=int, metavar="N", help="With --count: of what is drawn.")
@_with(image_options)
@json_option
def apply(model: str, given: str, as_json: bool, **options: Any) -> None:
    """Let MODEL answer an input: a text, or each line of a file or of stdin. One answer a line, in their order.

    For a model of images INPUT is a picture, or a question about the one that --image names. With --beam the likeliest
    answer per symbol is shown, with --json all that were found.
    """
    loaded = api.map.load(model)
    pictures = loaded.header.images is not None and not loaded.config.source_size
    answers = loaded.apply(_inputs(given, pictures), **options)
    if as_json:
        echo_json({"model": model, "inputs": [answer.to_dict() for answer in answers]})
        return
    shown = one_line if sys.stdout.isatty() else str
    for answer in answers:
        for text in answer.answers if options["count"] else answer.answers[:1]:
            click.echo(shown(text))


def _inputs(given: str, pictures: bool) -> list[str]:
    """The lines of a file or of stdin, else the text or the picture itself."""
    if given != "-" and (pictures or not is_file(Path(given))):
        return [given]
    lines = [line for line in read((given if given == "-" else os.path.abspath(given),)).characters.split("\n") if line]
    if not lines:
        raise SourceError(f"{given} has no line", "give one input a line")
    return lines


@map.command(
    epilog=examples(
        "charrnn map score checkpoints/dates-map dates --source english --target iso",
        "charrnn map score checkpoints/dates-map dates --part val --beam 5 --json",
    )
)
@click.argument("model", metavar="MODEL")
@click.argument("paths", nargs=-1, required=True, metavar="EXAMPLES...")
@_with(columns)
@click.option(
    "--part", type=click.Choice(["all", "train", "val", "test"]), default="test", show_default=True, help="Which part."
)
@click.option(
    "--beam",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Beginnings that beam search keeps; 1 is greedy.",
)
@click.option(
    "--most", type=click.IntRange(1), default=2000, show_default=True, metavar="N", help="Measure the first N examples."
)
@click.option("--seed", type=int, metavar="N", help="Of the split. Default: as in training.")
@json_option
def score(
    model: str, paths: tuple[str, ...], part: str, beam: int, most: int, as_json: bool, **options: Any
) -> None:  # fmt: skip
    """Measure how well MODEL answers EXAMPLES by itself, never with the right symbols given.

    Beside it: how many distinct outputs there are; the loss with the inputs shuffled (where it is no higher, the model
    ignores its input); the output of the training input that is most similar by its characters; and for attention,
    what it costs to hide the place that it looks at, and, where the fields of the examples are known, how often it
    looks at the right one.
    """
    loaded = api.map.load(model)
    read = loaded.read(paths, **options, feedback=FEEDBACK)
    show(loaded.score(read, part=part, beam=beam, most=most, feedback=FEEDBACK), as_json)


@map.command(
    epilog=examples(
        "charrnn map attend checkpoints/dates-map 'Thursday, 26 November 2026'",
        "charrnn map attend checkpoints/dates-map 'Thursday, 26 November 2026' -o date.html",
        "charrnn map attend checkpoints/scenes-map scenes/images/000000.png -o scene.html",
    )
)
@click.argument("model", metavar="MODEL", callback=spare_inputs)
@click.argument("text", metavar="INPUT")
@_with(image_options)
@drawing_options
def attend(model: str, text: str, image: str | None, images: str | None, form: str | None, output: Path | None) -> None:
    """Show where MODEL looks at INPUT while it writes each symbol of its answer.

    For a model of images INPUT is a picture, or a question about the one that --image names.

    Attention is no explanation: `charrnn map score` tells what it costs to hide the place that the model looks at.
    """
    emit(api.map.load(model).attend(text, image=image, images=images), form_for(form, output), output)


@map.command(
    name="features",
    epilog=examples(
        "charrnn map features scenes/images -o scenes.npz",
        "charrnn map features photos -o photos.npz --extractor efficientnet-lite0",
        "charrnn map features scenes/images -o fine.npz --patch 2",
    ),
)
@click.argument("pictures", nargs=-1, required=True, metavar="IMAGES...")
@click.option("-o", "--output", type=OutputFile(".npz"), required=True, metavar="F.npz", help="The file to write.")
@click.option("--extractor", type=click.Choice(EXTRACTORS), default="patches", show_default=True, help="What is found.")
@click.option("--size", type=int, metavar="N", help="Of patches: pixels of a side. Default: 64.")
@click.option("--patch", type=int, metavar="N", help="Pixels of a patch's side. Default: 8.")
@json_option
def write_features(pictures: tuple[str, ...], output: Path, as_json: bool, **options: Any) -> None:
    """Extract the features of pictures, cell by cell, for the option --images.

    IMAGES is a folder, or some files. patches are the pixels themselves. A picture that cannot be read is skipped and
    listed. What was stopped goes on where it was, if the same command is given again.
    """
    show(api.map.features(pictures, output, **options, feedback=FEEDBACK), as_json)


@map.command(
    name="examples",
    epilog=examples(
        "charrnn map examples dates -o dates",
        "charrnn map examples numbers --count 10000 -o numbers",
        "charrnn map examples scenes -o scenes",
    ),
)
@click.argument("name", type=click.Choice(tuple(SETS)), metavar="|".join(SETS))
@click.option("-o", "--output", type=OutputFolder(), required=True, metavar="FOLDER", help="The folder to write.")
@click.option("--count", type=int, metavar="N", help="In all. Default: 40,000; pictures: 10,000.")
@click.option("--seed", type=int, default=0, metavar="N", help="Of which examples. Default: 0.")
@json_option
def write_examples(name: str, output: Path, count: int | None, seed: int, as_json: bool) -> None:
    """Write generated examples with exact answers.

    dates: from 1600 to 2399, with the columns english, iso and korean. numbers: from 1 to 999,999, with the columns
    digits, english and korean. Both as train.tsv, val.tsv and test.tsv. scenes: pictures of three things with captions,
    as Karpathy's dataset.json has them. questions: the same with questions, as CLEVR has them.
    glyphs: pictures of characters in the fonts at hand, and their Unicode names, as JSON lines.
    """
    show(api.map.examples(name, output, count=count, seed=seed), as_json)
