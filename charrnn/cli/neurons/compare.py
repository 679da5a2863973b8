"""`charrnn neurons compare`: which units of several models do the same."""

from pathlib import Path
from typing import Any

import click

from charrnn import api
from charrnn.api.limits import SHORTEST_SEARCH
from charrnn.cli.common import (
    FEEDBACK,
    device_option,
    examples,
    json_option,
    load_model,
    network_threads_option,
    precision_option,
    reading_options,
    show,
)
from charrnn.cli.drawing import show_plot
from charrnn.cli.output import PICTURE, spare_inputs

OF_MODELS, OF_A_RUN = 20_000, 60_000  # characters


@click.command(
    epilog=examples(
        "charrnn neurons compare checkpoints/a checkpoints/b shakespeare",
        "charrnn neurons compare checkpoints/a/last.safetensors checkpoints/a python --feature line_position",
        "charrnn train python --keep-checkpoints --out checkpoints/kept",
        "charrnn neurons compare checkpoints/kept python --feature python_string -o born.png",
    )
)
@click.argument("names", nargs=-1, required=True, metavar="{MODEL MODEL... | RUN} SOURCE", callback=spare_inputs)
@click.option(
    "--feature",
    metavar="NAME",
    help="Tell for each model, or each stage, which unit follows it; NAME=PATTERN: a regular expression.",
)
@click.option("--signal", metavar="NAME", default="h", show_default=True, help="Such as h, c, tanh_c or a gate.")
@click.option(
    "--characters",
    type=click.IntRange(SHORTEST_SEARCH),
    metavar="N",
    help="Read that many, from the text's end, which models hardly see. Default: 20,000; for a run's stages 60,000.",
)
@click.option("--count", type=click.IntRange(0), default=10, show_default=True, help="Pairs of units to show.")
@click.option("-o", "--output", type=PICTURE, metavar="PICTURE.png", help="Draw the scores over the stages.")
@click.option(
    "--part",
    type=click.Choice(["all", "train", "val", "test"]),
    help="For a run's stages: which part of the text. Default: of the run's own text the test part, else all.",
)
@precision_option
@reading_options
@device_option
@network_threads_option
@json_option
def compare(
    names: tuple[str, ...], characters: int | None, count: int, output: Path | None, as_json: bool, **options: Any
) -> None:
    """Match the units of each MODEL with those of the next one by their correlation over SOURCE.

    With --feature it tells which unit of each follows that best. Only characters that every model knows are read.

    Of a single RUN that kept the models of its stages (train --keep-checkpoints), it tells when the unit was born that
    follows --feature in the end: its score at each stage, beside that of the unit that was best at the time. It is born
    once it is better than the last five characters alone and has half of its final score, and stays so.
    """
    *models, source = names
    if len(models) == 1 and options["feature"]:
        given = options | {"characters": characters or OF_A_RUN, "feedback": FEEDBACK, "load": load_model}
        show_plot(api.emergence(models[0], [source], **given), output, as_json)
        return
    if len(models) < 2:
        raise click.UsageError("Give two models or more and a text, or one run, a text and a --feature.")
    reading, device = options.pop("reading"), options.pop("device")
    if output or options.pop("part"):
        raise click.UsageError("--output and --part are for the stages of one run.")
    first, *others = [load_model(model, device) for model in models]
    given = options | {"characters": characters or OF_MODELS, "count": count, "feedback": FEEDBACK}
    text = first.extract(source, reading=reading, feedback=FEEDBACK).text
    show(first.compare(others, text, source=source, **given), as_json)
