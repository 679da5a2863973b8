"""Alignment: which places of an input a model looked at while it wrote each symbol of its answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from charrnn.display import page
from charrnn.display.highlight import Cell, Highlight, cell, guess_sign
from charrnn.display.signs import one_line

END = "⏎"  # stands for the symbol that ends an answer


@dataclass(frozen=True)
class Alignment:
    """L characters of an input, the T symbols of an answer, and the weights [T][L] of the places, each row of sum 1."""

    title: str
    source: str
    output: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    answer: str

    @property
    def names(self) -> tuple[str, ...]:
        """A sign for each symbol of the answer."""
        return names_of(self.output)

    @property
    def highlight(self) -> Highlight:
        """The input, and under it a row of colours for each symbol of the answer."""
        columns = zip(*self.weights, strict=True)
        cells = tuple(cell(c, values) for c, values in zip(self.source, columns, strict=True))
        scale = f"attention, from none to all; rows: symbols of the answer, {END} its end"
        return Highlight(one_line(self.title), scale, f"answer: {one_line(self.answer)}", cells, 1.0, self.names)

    def steps(self) -> Iterator[tuple[str, list[Cell]]]:
        """Yield the sign of each symbol of the answer, with the input coloured by where the model looked then."""
        for name, row in zip(self.names, self.weights, strict=True):
            yield name, [cell(c, value) for c, value in zip(self.source, row, strict=True)]


def names_of(output: Sequence[str]) -> tuple[str, ...]:
    """Return a sign for each symbol of an answer; a word or a label as one line."""
    return tuple(guess_sign(symbol) if len(symbol) == 1 else one_line(symbol) for symbol in output)


def html(alignment: Alignment) -> str:
    """Return a page without scripts: the answer, whose symbols colour the input where they are pointed at; all rows."""
    highlight = alignment.highlight
    style = page.template("style.css").render() + page.highlight_style() + page.template("alignment.css").render()
    return page.template("alignment.html").render(
        highlight=highlight,
        steps=list(alignment.steps()),
        style=Markup(style),
        policy=page.policy(style),
        matrix=page.text(highlight),
        level=lambda value: round((value + 1) / 2 * page.LEVELS),
        legend=page.legend_levels(highlight),
    )
