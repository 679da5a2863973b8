"""What `charrnn score` tells a person: the figures, what stands beside them, and the coloured text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.display.signs import one_line
from charrnn.errors import counted

if TYPE_CHECKING:
    from charrnn.display.highlight import Highlight

EXCERPT = 55  # characters of a passage that are shown


def tell(result: dict[str, Any]) -> None:
    """Write the figures of a score as lines."""
    unknown = result["unknown"]
    click.echo(
        f"{result['nats_per_character']:.4f} nats per character ({result['bits_per_character']:.4f} bits, "
        f"perplexity {result['perplexity']:.3f}) over {counted(result['characters'], 'character')}"
        + (f", {unknown:,} of them unknown" if unknown else "")
    )
    if "dynamic" in result:
        _tell_gain(result["dynamic"]["nats_per_character"], result["nats_per_character"])
    if "baselines" in result:
        _tell_baselines(result["baselines"], result["nats_per_character"])
    if "models" in result:
        _tell_comparison(result)


def _tell_gain(dynamic: float, static: float) -> None:
    click.echo(f"{dynamic:.4f} learning as it reads: {_less(dynamic - static)}")


def _tell_baselines(baselines: list[dict[str, float]], nats: float) -> None:
    """One line for each order; the model stands among them where its figure belongs."""
    best = min(baselines, key=lambda line: line["nats_per_character"])
    click.echo("\nn-gram models of the same training text (interpolated Kneser–Ney), nats per character:")
    for line in baselines:
        mark = "  the best of them" if line is best else ""
        click.echo(f"  n = {line['order']:<3} {line['nats_per_character']:.4f}{mark}")
    click.echo(f"The model needs {_less(nats - best['nats_per_character'])} than the best of them.")


def _less(difference: float) -> str:
    return f"{abs(difference):.4f} nats {'less' if difference < 0 else 'more'}"


def _tell_comparison(result: dict[str, Any]) -> None:
    click.echo("\nnats per character, and what the first saves against each (95 % interval):")
    for line in result["models"]:
        click.echo(f"  {line['nats_per_character']:.4f}  {_saved(line, result):34} {one_line(line['model'])}")
    doubt = "" if (result["models"][1]["low"] or 0) > 0 else ", but this may be chance"
    click.echo(f"The text is most like {one_line(result['most_like'])}{doubt}.")
    for like in dict.fromkeys(passage["like"] for passage in result["passages"]):
        click.echo(f"\nMost like {one_line(like)}, nats per character that it saves, and where:")
        for passage in result["passages"]:
            if passage["like"] == like:
                excerpt = one_line(passage["text"][:EXCERPT])
                click.echo(f"  {abs(passage['saved']):.3f}  at {passage['start']:<9,} {excerpt}…")


def _saved(line: dict[str, Any], result: dict[str, Any]) -> str:
    if line["model"] == result["most_like"]:
        return ""
    if line["low"] is None:
        return f"{line['mean']:+.4f} (too short to tell)"
    return f"{line['mean']:+.4f} ({line['low']:+.4f} to {line['high']:+.4f})"


def show(highlight: "Highlight") -> None:
    """Draw a highlight in the terminal."""
    from charrnn.display import terminal

    click.echo("")
    terminal.show(highlight)


def save_page(highlight: "Highlight", path: Path) -> None:
    """Write a highlight as a page, and say so on stderr."""
    from charrnn.display import page
    from charrnn.files import replacing

    with replacing(path) as temporary:
        temporary.write_text(page.html(highlight), encoding="utf-8")
    click.echo(f"wrote {one_line(str(path))}", err=True)
