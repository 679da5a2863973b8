"""The gallery as one page: a card for each feature with its coloured passages, its figures and what they amount to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from charrnn.display.highlight import Highlight
from charrnn.display.page import highlight_style, legend_levels, policy, template, text


@dataclass(frozen=True)
class Plate:
    """A coloured passage, what it is, and the files that hold the same picture."""

    highlight: Highlight
    caption: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """What is shown of one feature; `figures` are pairs of a name and what it is, `costs` rows of the ablation."""

    title: str
    about: str
    verdict: str
    told: str
    figures: Mapping[str, str] = field(default_factory=dict)
    costs: Sequence[tuple[str, str, str]] = ()  # where, the cost with its interval, what random units cost
    plates: Sequence[Plate] = ()


def html(title: str, lines: Sequence[str], cards: Sequence[Card]) -> str:
    """Return a page that needs nothing from anywhere: no script, no request, its styles inside."""
    style = Markup(template("style.css").render() + highlight_style() + template("gallery.css").render())
    scale = legend_levels(Highlight("", "", "", ()))
    shown = {"title": title, "lines": lines, "cards": cards, "legend": scale, "text": text}
    return template("gallery.html").render(style=style, policy=policy(style), **shown)
