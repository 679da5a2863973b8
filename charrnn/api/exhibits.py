"""What a gallery shows of each feature: coloured passages, a card of its page, JSON and a row of its table."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from charrnn.display import costs
from charrnn.display.findings import short, short_p
from charrnn.display.gallery import Card, Plate
from charrnn.display.highlight import Highlight
from charrnn.errors import counted
from charrnn.neurons.ablation import Ablation
from charrnn.neurons.effects import Effect
from charrnn.neurons.finding import Finding
from charrnn.neurons.gallery import Exhibit
from charrnn.neurons.verdicts import SIGNIFICANT
from charrnn.text.symbols import pieces_of, plain

PARTS = {
    "train": "of the part that the model was trained on",
    "val": "of the validation part",
    "test": "of the test part",
}
NONE, HARDLY = "the text has none", "hardly ever changes"
VERDICTS = {
    "single unit": "One unit follows it: it predicts at least 95 % as well as a probe on the best layer, and better "
    "than the text alone or an untrained network.",
    "distributed": "A linear probe on the layer predicts it, but no single unit nearly as well; this is the best one.",
    "halves disagree": "The halves of the text prefer different units.",
    "baseline": "The text alone, or an untrained network, predicts it as well.",
    "not found": "Neither a unit nor the layer follows it clearly.",
}


@dataclass(frozen=True)
class About:
    """What a gallery is of, and how it was measured."""

    model: str
    source: str
    part: str
    text_kind: str
    characters: int
    signals: list[str]
    ablated: int
    seed: int
    precision: str  # of the recording: float32 or bfloat16


@dataclass(frozen=True)
class Excerpt:
    """A passage of the whole text and the unit's value at each character of it."""

    start: int
    text: str
    values: list[float]
    part: str = ""


@dataclass(frozen=True)
class Shown:
    """An exhibit with the cost of its unit and the passages to show it on."""

    exhibit: Exhibit
    signal: str = ""  # of its unit, as it is shown
    ablation: Ablation | None = None
    excerpts: list[Excerpt] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What it is about."""
        return self.exhibit.theme.title

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
        return [name, *(f"{name}-{number}" for number in range(2, len(self.excerpts) + 1))][: len(self.excerpts)]

    def pictures(self, about: About) -> Iterator[tuple[Highlight, str]]:
        """Yield each passage ready to be drawn, and the name of its file without suffix."""
        for excerpt, stem in zip(self.excerpts, self.stems, strict=True):
            yield _highlight(self, excerpt, about), stem

    def to_dict(self) -> dict[str, Any]:
        """Return all that is known of the feature, as JSON has it."""
        exhibit, finding, ablation = self.exhibit, self.exhibit.finding, self.ablation
        known: dict[str, Any] = {
            "name": exhibit.theme.name,
            "title": self.title,
            "feature": exhibit.feature.name if exhibit.feature else None,
            "verdict": self.verdict,
            "finding": finding.to_dict() if finding else None,
            "ablation": ablation.to_dict() if ablation else None,
            "passages": [
                asdict(each) | {"text": plain(each.text), "files": [f"{stem}.svg", f"{stem}.png"]}
                for each, stem in zip(self.excerpts, self.stems, strict=True)
            ],
        }
        return known

    def row(self) -> str:
        """Return a row of 80 columns."""
        finding = self.exhibit.finding
        if finding is None:
            return f"{self.title:17} {self.verdict}"
        effect = self.ablation.effects.get("inside", self.ablation.effects["all"]) if self.ablation else None
        cost = f"{effect.difference:+.4f}{'*' if effect.tells else ' '}" if effect else ""
        score = f"{_metric(finding):3} {short(finding.score)} ({short(finding.low)}–{short(finding.high)})"
        verdict = finding.verdict.removeprefix("halves ")
        return (
            f"{self.title:17} {finding.unit!s:>5} {score:20} {short(finding.surface_score)} "
            f"{short(finding.layer_score)} {short_p(finding.q_value)} {cost:>8} {verdict}"
        )

    def card(self, about: About) -> Card:
        """Return what the page shows of the feature."""
        finding, feature = self.exhibit.finding, self.exhibit.feature
        if feature is None:
            return Card(self.title, "", self.verdict, f"The text is taken for {about.text_kind}, which has none.")
        if finding is None:
            hardly = f"It hardly ever changes in these {about.characters:,} characters."
            return Card(self.title, "", self.verdict, hardly)
        plates = [
            Plate(highlight, _caption(excerpt, about), (f"{stem}.svg", f"{stem}.png"))
            for excerpt, (highlight, stem) in zip(self.excerpts, self.pictures(about), strict=True)
        ]
        colour = "red" if finding.sign > 0 else "blue"
        binary = finding.kind == "binary"
        means = f"{colour.title()}: {feature.sentence}" if binary else f"The more {colour}, the more {feature.sentence}"
        lines = [VERDICTS[finding.verdict]]
        if finding.q_value >= SIGNIFICANT:
            lines.append("The unit does no better than on shifted labels.")
        effects = self.ablation.effects if self.ablation else {}
        if self.ablation:
            telling = [place for place, effect in effects.items() if effect.tells]
            lines.append(costs.verdict(len(self.ablation.controls), telling))
        head = f"Unit {finding.unit}, {self.signal}. {means}."
        rows = [_cost(place, effect) for place, effect in effects.items()]
        return Card(self.title, head, finding.verdict, " ".join(lines), _scores(finding), rows, plates)


def rank(shown: Shown) -> int:
    """The place of its verdict: what a single unit follows comes first, what the text has none of last."""
    return [*VERDICTS, HARDLY, NONE].index(shown.verdict)


def _scores(finding: Finding) -> dict[str, str]:
    scores = {
        finding.metric: f"{finding.score:.3f} ({finding.low:.3f}–{finding.high:.3f})",
        "the last five characters": f"{finding.surface_score:.3f}",
        "the last twenty characters": f"{finding.longer_score:.3f}",
        "leaky counters of characters": f"{finding.counters_score:.3f}",
        "a probe on the best layer": f"{finding.layer_score:.3f}",
        "p-value (labels shifted)": f"{finding.p_value:.3f}",
    }
    return scores | ({"on at": f"{100 * finding.share:.1f} % of characters"} if finding.share is not None else {})


def _cost(place: str, effect: Effect) -> tuple[str, str, str]:
    cost = f"{effect.difference:+.4f} ({effect.low:+.4f} to {effect.high:+.4f})"
    others = "none" if effect.random_high is None else f"up to {effect.random_high:+.4f}"
    return f"{costs.PLACES[place]} ({counted(effect.characters, 'character')})", cost, others


def _highlight(shown: Shown, excerpt: Excerpt, about: About) -> Highlight:
    finding = shown.exhibit.finding
    if finding is None:
        raise ValueError("there is no unit to show")
    title = f"{shown.title}: unit {finding.unit}, {_metric(finding)} {finding.score:.2f}, {finding.verdict}"
    scale = f"{shown.signal} of unit {finding.unit} of {about.model}"
    return Highlight.of(title, scale, _caption(excerpt, about), pieces_of(excerpt.text), excerpt.values, [])


def _metric(finding: Finding) -> str:
    return "AUC" if finding.metric == "AUC" else "ρ"


def _caption(excerpt: Excerpt, about: About) -> str:
    where = f", {PARTS[excerpt.part]}" if excerpt.part in PARTS else ""
    return f"{about.source}, from character {excerpt.start:,} on{where}"
