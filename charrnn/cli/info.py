"""`charrnn info`: what a checkpoint is and what it was trained on."""

import click

from charrnn import api
from charrnn.cli.common import examples, json_option, load_model, model_argument, show
from charrnn.model.checkpoint import locate


@click.command(epilog=examples("charrnn info checkpoints/python-lstm", "charrnn info checkpoints/python-lstm --json"))
@model_argument
@json_option
def info(model: str, as_json: bool) -> None:
    """Show what a model is: its network, its text, its figures."""
    answers = api.headers.is_conditioned(locate(model))
    show((api.map.load(model) if answers else load_model(model)).info(), as_json)
