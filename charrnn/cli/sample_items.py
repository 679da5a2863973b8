"""How `charrnn sample` draws items: one a line, each new or in the text, and a summary of all."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from charrnn import api
from charrnn.api.items import Choice, SampledItem, SampledItems
from charrnn.cli.common import FEEDBACK, echo_json, note
from charrnn.display.signs import one_line
from charrnn.errors import ConfigError
from charrnn.model import known
from charrnn.sampling.distribution import SamplingConfig


def sample_items(model: "api.Model", prime: str, options: Mapping[str, Any], as_json: bool, with_nats: bool) -> None:
    """Draw items and write them to stdout, as JSON with the nearest item of the text, where that is at hand."""
    config = SamplingConfig(*(options[name] for name in ("temperature", "top_k", "top_p", "min_p")))
    items = api.items.sample(
        model.checkpoint,
        model.name,
        Choice(options["count"], options["new"], options["distinct"]),
        options["length"],
        prime,
        options["seed"],
        config,
        [known.clamp(model.checkpoint.header.known_units, clamp, model.config) for clamp in options["clamp"]],
        options["label"],
        options["text"],
        nearest=as_json,
        feedback=FEEDBACK,
    )
    if as_json:
        echo_json({"model": model.name, "temperature": config.temperature} | as_report(items, with_nats))
    else:
        write(items, options["null"], ("\0" if options["null"] else "\n") in model.vocabulary)


def as_report(items: SampledItems, with_nats: bool) -> dict[str, Any]:
    """Return what `--json` says of items."""
    report = items.to_dict()
    for sample in report["samples"]:
        nats = sample.pop("character_nats")
        sample |= {"total_nats": sample.pop("nats")} | ({"nats": nats} if with_nats else {})
    return report


def write(items: SampledItems, null: bool, breaks: bool) -> None:
    """Write items to stdout as they are drawn, one a line or with a zero byte after each, and the summary to stderr.

    `breaks` says whether an item may hold what ends it.
    """
    if breaks and null:
        raise ConfigError("the model's items may hold zero bytes, which are to end them", "leave -0 out")
    if breaks and not sys.stdout.isatty():
        note("the model's items may hold newlines: -0 or --json tells them apart")
    end = "\0" if null else "\n"
    shown = _for_a_person if sys.stdout.isatty() else _whole
    for item in items:
        sys.stdout.write(shown(item) + end)
        if sys.stdout.isatty():
            sys.stdout.flush()
    note(str(items.summary))


_Shown = Callable[[SampledItem], str]


def _whole(item: SampledItem) -> str:
    return item.item


def _for_a_person(item: SampledItem) -> str:
    """The item on one line; behind it, dimmed, whether it stands in the text, or has no end."""
    marks = [*["in the text"] * bool(item.in_text), *["cut off"] * (not item.ended)]
    return one_line(item.item) + (click.style(f"  {', '.join(marks)}", dim=True) if marks else "")
