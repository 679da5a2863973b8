"""`charrnn neurons dump`: every unit's values at every character, as a file."""

from pathlib import Path

import click

from charrnn.cli.common import (
    build_network,
    device_option,
    encode,
    examples,
    load_checkpoint,
    model_argument,
    part_option,
    progress_bar,
    read_text,
    reading_options,
    sources_argument,
)
from charrnn.text.reading import Reading


@click.command(
    epilog=examples(
        "charrnn neurons dump checkpoints/python-lstm python --part test -o units.npz",
        "charrnn neurons dump checkpoints/python-lstm python --part val -o gates.npz --signals c,i,f,o,g",
    )
)
@model_argument
@sources_argument
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT.npz", help="The file to write."
)
@click.option("--signals", metavar="NAMES", help="Such as h,c,i,f,o,g (LSTM) or h,r,z,n (GRU). Default: the state.")
@click.option(
    "--dtype", type=click.Choice(["float16", "float32"]), default="float16", show_default=True, help="Of the values."
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Of the products; bfloat16 is faster where the hardware has it.",
)
@part_option
@reading_options
@device_option
def dump(
    model: str, sources: tuple[str, ...], output: Path, signals: str | None, dtype: str, precision: str, part: str,
    reading: Reading, device: str,
) -> None:  # fmt: skip
    """Write every unit's values at every character of SOURCE to one .npz file.

    It holds the ids "text" [T], an array [L, T, H] for each signal (L layers, H units), and "meta", a JSON string
    that names the model, the text and the vocabulary.
    """
    from charrnn.model.cells import state_names
    from charrnn.model.devices import choose_precision
    from charrnn.neurons.dump import write

    checkpoint = load_checkpoint(model)
    ids = encode(checkpoint, read_text(sources, reading, checkpoint, part))
    names = signals.split(",") if signals else list(state_names(checkpoint.config))
    meta = {
        "model": model,
        "source": list(sources),
        "part": part,
        "signals": names,
        "config": {name: getattr(checkpoint.config, name) for name in ("cell", "num_layers", "hidden_size")},
        "vocabulary": checkpoint.vocabulary.characters,
    }
    network = build_network(checkpoint, device)
    with progress_bar(len(ids), "recording") as bar:
        write(output, network, ids, names, dtype, meta, bar.update, choose_precision(precision, network.device))
    click.echo(
        f"{output}: {', '.join(names)} of {checkpoint.config.num_layers}×{checkpoint.config.hidden_size} units "
        f"at {len(ids):,} characters"
    )
