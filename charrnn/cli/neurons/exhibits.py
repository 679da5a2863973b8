"""What `charrnn neurons gallery` shows of each feature: coloured passages, a card, JSON and a row of a table."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from charrnn.display.findings import short, short_p
from charrnn.errors import counted

if TYPE_CHECKING:
    from charrnn.display.gallery import Card
    from charrnn.display.highlight import Highlight
    from charrnn.model.checkpoint import Checkpoint
    from charrnn.model.network import CharRNN
    from charrnn.neurons.ablation import Ablation, Effect
    from charrnn.neurons.gallery import Exhibit
    from charrnn.neurons.search import Finding
    from charrnn.text.corpus import Ids

PLACES = {"all": "everywhere", "inside": "inside", "outside": "outside", "closing": "at its closing character"}
PARTS = {
    "train": "of the part that the model was trained on",
    "val": "of the validation part",
    "test": "of the test part",
}
NONE, HARDLY = "the text has none", "hardly ever changes"
VERDICTS = {
    "single unit": "One unit follows it: it has most of what its whole layer knows, and more than the last five "
    "characters tell.",
    "distributed": "The layer knows it, but no single unit has most of that; this is the best one.",
    "surface": "The last five characters tell as much.",
    "not found": "Neither a unit nor the layer follows it clearly.",
}


@dataclass(frozen=True)
class Passage:
    """A passage of the whole text and the unit's value at each character of it."""

    start: int
    text: str
    values: list[float]
    part: str = ""


@dataclass(frozen=True)
class Shown:
    """An exhibit with the cost of its unit and the passages to show it on."""

    exhibit: "Exhibit"
    ablation: "Ablation | None" = None
    passages: list[Passage] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """The verdict on its best unit, or that the text has none of its feature, or always the same."""
        if self.exhibit.finding:
            return self.exhibit.finding.verdict
        return NONE if self.exhibit.feature is None else HARDLY

    @property
    def stems(self) -> list[str]:
        """The names of its pictures' files, without suffix."""
        name = self.exhibit.theme.name
        return [name, *(f"{name}-{number}" for number in range(2, len(self.passages) + 1))][: len(self.passages)]

    def pictures(self, told: dict[str, Any]) -> Iterator[tuple["Highlight", str]]:
        """Yield each passage ready to be drawn, and the name of its file without suffix."""
        for passage, stem in zip(self.passages, self.stems, strict=True):
            yield _highlight(self, passage, told), stem


def passage_of(
    network: "CharRNN", checkpoint: "Checkpoint", ids: "Ids", finding: "Finding", start: int, length: int
) -> Passage:
    """Record a finding's unit over a passage of the whole text, ids [T]."""
    from charrnn.neurons.recording import watch
    from charrnn.neurons.signal_names import is_bounded

    watched = watch(network, ids, [finding.unit], finding.signal, start, start + length, 1)
    values = watched.values[0].tolist()
    bounded = is_bounded(checkpoint.config, finding.signal)
    text = checkpoint.vocabulary.decode(watched.ids)
    return Passage(start, text, values if bounded else [math.tanh(value) for value in values])


def figures_of(shown: Shown) -> dict[str, Any]:
    """Return all that is known of a feature."""
    exhibit, finding, ablation = shown.exhibit, shown.exhibit.finding, shown.ablation
    files = [[f"{stem}.svg", f"{stem}.png"] for stem in shown.stems]
    known: dict[str, Any] = {
        "name": exhibit.theme.name,
        "title": exhibit.theme.title,
        "feature": exhibit.feature.name if exhibit.feature else None,
        "verdict": shown.verdict,
        "finding": asdict(finding) | {"unit": str(finding.unit)} if finding else None,
        "ablation": None,
        "passages": [asdict(each) | {"files": names} for each, names in zip(shown.passages, files, strict=True)],
    }
    if ablation:
        units = {"unit": str(ablation.unit), "controls": [str(unit) for unit in ablation.controls]}
        known["ablation"] = asdict(ablation) | units
    return known


def row(shown: Shown) -> str:
    """Return a row of 80 columns."""
    finding = shown.exhibit.finding
    if finding is None:
        return f"{shown.exhibit.theme.title:17} {shown.verdict}"
    effect = _main_effect(shown.ablation) if shown.ablation else None
    cost = f"{effect.difference:+.4f}{'*' if effect.tells else ' '}" if effect else ""
    name = "AUC" if finding.metric == "AUC" else "ρ"
    score = f"{name:3} {short(finding.score)} ({short(finding.low)}–{short(finding.high)})"
    return (
        f"{shown.exhibit.theme.title:17} {finding.unit!s:>5} {score:20} {short(finding.surface_score)} "
        f"{short(finding.layer_score)} {short_p(finding.p_value)} {cost:>8} {finding.verdict}"
    )


def card(shown: Shown, told: dict[str, Any]) -> "Card":
    """Return what the page shows of a feature."""
    from charrnn.display.gallery import Card, Plate
    from charrnn.neurons.search import SIGNIFICANT

    exhibit, finding = shown.exhibit, shown.exhibit.finding
    if finding is None or exhibit.feature is None:
        return Card(exhibit.theme.title, "", shown.verdict, _absent(exhibit, told), {}, [], [])
    plates = [
        Plate(highlight, _caption(passage, told), (f"{stem}.svg", f"{stem}.png"))
        for passage, (highlight, stem) in zip(shown.passages, shown.pictures(told), strict=True)
    ]
    lines = [VERDICTS[finding.verdict]]
    if finding.p_value >= SIGNIFICANT:
        lines.append("No unit does better than on labels shifted by chance.")
    if shown.ablation:
        lines.append(_amounts_to(shown.ablation))
    about = f"Unit {finding.unit}, {_signal(finding)}. {_direction(exhibit, finding)}."
    costs = [_cost(place, effect) for place, effect in shown.ablation.effects.items()] if shown.ablation else []
    return Card(exhibit.theme.title, about, finding.verdict, " ".join(lines), _scores(finding), costs, plates)


def _absent(exhibit: "Exhibit", told: dict[str, Any]) -> str:
    if exhibit.feature is None:
        return f"The text is taken for {told['text_kind']}, which has none."
    return f"It hardly ever changes in these {told['characters']:,} characters."


def _scores(finding: "Finding") -> dict[str, str]:
    scores = {
        finding.metric: f"{finding.score:.3f} ({finding.low:.3f}–{finding.high:.3f})",
        "the last five characters": f"{finding.surface_score:.3f}",
        "the whole layer": f"{finding.layer_score:.3f}",
        "chance of a unit as good": f"p = {finding.p_value:.3f}",
    }
    return scores | ({"on at": f"{100 * finding.share:.1f} % of characters"} if finding.share is not None else {})


def _cost(place: str, effect: "Effect") -> tuple[str, str, str]:
    cost = f"{effect.difference:+.4f} ({effect.low:+.4f} to {effect.high:+.4f})"
    others = "none" if effect.random_high is None else f"up to {effect.random_high:+.4f}"
    return f"{PLACES[place]} ({counted(effect.characters, 'character')})", cost, others


def _main_effect(ablation: "Ablation") -> "Effect":
    return ablation.effects.get("inside", ablation.effects["all"])


def _amounts_to(ablation: "Ablation") -> str:
    worst = [PLACES[place] for place, effect in ablation.effects.items() if effect.tells]
    if not ablation.controls:
        return "The layer has no other unit to compare it with."
    others = f"{counted(len(ablation.controls), 'random unit')} of like variance"
    if worst:
        return f"To hold it costs more than to hold any of {others}: {', '.join(worst)}."
    return f"To hold it costs no more than to hold some of {others}: it goes along."


def _direction(exhibit: "Exhibit", finding: "Finding") -> str:
    colour = "red" if finding.sign > 0 else "blue"
    feature = exhibit.feature
    sentence = feature.sentence if feature else ""
    return f"{colour.title()}: {sentence}" if finding.kind == "binary" else f"The more {colour}, the more {sentence}"


def _signal(finding: "Finding") -> str:
    return "tanh(c)" if finding.signal == "tanh_c" else finding.signal


def _highlight(shown: Shown, passage: Passage, told: dict[str, Any]) -> "Highlight":
    from charrnn.display.highlight import Highlight

    finding = shown.exhibit.finding
    if finding is None:
        raise ValueError("there is no unit to show")
    name = "AUC" if finding.metric == "AUC" else "ρ"
    title = f"{shown.exhibit.theme.title}: unit {finding.unit}, {name} {finding.score:.2f}, {finding.verdict}"
    scale = f"{_signal(finding)} of unit {finding.unit} of {told['model']}"
    return Highlight.of(title, scale, _caption(passage, told), passage.text, passage.values, [])


def _caption(passage: Passage, told: dict[str, Any]) -> str:
    where = f", {PARTS[passage.part]}" if passage.part in PARTS else ""
    return f"{told['source']}, from character {passage.start:,} on{where}"
