"""How well a model predicts a text, beside n-grams, its own learning while it reads, and other models."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import takewhile
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.api.drawing import Drawing
from charrnn.api.passage import Extract
from charrnn.display import page, scores
from charrnn.display.highlight import SURPRISING, Highlight
from charrnn.display.signs import one_line
from charrnn.errors import ConfigError
from charrnn.evaluation.comparison import difference, ranked, telling_passages
from charrnn.evaluation.dynamic import score_dynamically
from charrnn.evaluation.ngrams import MAX_ORDER, ngram_nats
from charrnn.evaluation.scoring import Score, assembled, by_character, score_text
from charrnn.feedback import SILENT, Feedback
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.network import CharRNN
from charrnn.text.corpus import part_of
from charrnn.text.sources import Text
from charrnn.text.symbols import pieces_of, plain

PASSAGES = 3  # for each of the two models that a text is most like
SHOWN = 5000  # characters that are coloured

Scorer = tuple[Checkpoint, CharRNN]  # a model, and its network in torch


@dataclass(frozen=True, repr=False)
class Scored(Drawing):
    """A score, and what was asked for beside it; coloured, the text by how unexpected each character was."""

    score: Score
    extract: Extract
    model: str  # what it was called by
    start: int  # of the stretch that is coloured
    length: int
    beside: Mapping[str, Any]  # baselines, dynamic, and which model the text is most like, as `--json` has them

    @property
    def nats(self) -> npt.NDArray[np.float32]:
        """−ln p of each character given all before it, [N]."""
        return self.score.nats

    @property
    def total(self) -> float:
        """The sum of the nats."""
        return self.score.total

    @property
    def characters(self) -> int:
        """Characters that were predicted."""
        return self.score.characters

    @property
    def unknown(self) -> int:
        """How many of them the model does not know."""
        return self.score.unknown

    @property
    def nats_per_character(self) -> float:
        """The mean."""
        return self.score.nats_per_character

    @property
    def bits_per_character(self) -> float:
        """The mean in bits."""
        return self.score.bits_per_character

    @property
    def perplexity(self) -> float:
        """E to the mean, per character."""
        return self.score.perplexity

    def to_dict(self) -> dict[str, Any]:
        """Return what `charrnn score --json` prints."""
        return _figures(self.score) | dict(self.beside)

    def __str__(self) -> str:
        return scores.text(self.to_dict())

    def __repr__(self) -> str:
        return repr(self.score)

    @property
    def highlight(self) -> Highlight:
        """The stretch, each character coloured by how unexpected it was."""
        text, end = self.extract.text, min(self.start + self.length, len(self.extract.text))
        noun = "character" if self.score.written is None else "symbol"
        return Highlight.of(
            title=f"How unexpected each {noun} is to {self.model}",
            scale=f"surprisal in nats, −ln p of the {noun} given all before it",
            source=f"{' '.join(self.extract.source)}, {noun}s {self.start:,} to {end:,} of {len(text):,}",
            text=pieces_of(text[self.start : end]),
            values=self.nats[self.start : end].tolist(),
            guesses=[],
            top=SURPRISING,
        )

    @property
    def room(self) -> int:
        """How many of the stretch's characters a page shows."""
        return page.room(self.highlight)


def score(
    models: Mapping[str, Scorer],
    extract: Extract,
    *,
    baseline: bool = False,
    dynamic: bool = False,
    start: int = 0,
    length: int = SHOWN,
    feedback: Feedback = SILENT,
) -> Scored:
    """Score a text by one model or several.

    Args:
        models: by their names; the first one is scored, the others are held against it.
        extract: the text, of at least two characters.
        baseline: score n-gram models of the training text too, n from 1 to 10, on a val or test part.
        dynamic: score the model as it goes on learning from what it has read.
        start: where the stretch begins that is coloured.
        length: characters of it.
        feedback: where notes and counts go.

    Raises:
        ConfigError: the text has fewer than two characters, or none from `start` on; or a baseline is asked for
            of a text that is no val or test part of the model's own.
    """
    name, (checkpoint, network) = next(iter(models.items()))
    vocabulary = checkpoint.vocabulary
    _check_kinds(models, baseline, dynamic)
    text = vocabulary.folded(extract.text)
    extract = replace(extract, text=text)
    _check(text, start)
    if vocabulary.unknown(text) and (form := vocabulary.form_of(text, ("NFC", "NFKC"))):
        feedback.note(f"with --normalize {form.lower()} the model knows all characters of the text")
    beside: dict[str, Any] = {"baselines": _baselines(checkpoint, extract, feedback)} if baseline else {}
    found = {}
    for each, (of, model) in models.items():
        with feedback.bar(len(text) - 1, one_line(each)) as bar:
            found[each] = score_text(model, of.vocabulary, read_by(of, text), on_read=bar.update)
    if dynamic:
        with feedback.bar(len(text) - 1, "learning") as bar:
            learned = assembled(vocabulary, text, lambda ids: score_dynamically(network, ids, on_read=bar.update))
        beside["dynamic"] = _figures(learned)
    if len(models) > 1:
        nats = {each: by_character(found[each], read_by(of, text)) for each, (of, _) in models.items()}
        beside |= _comparison(found, nats, plain(text), _seen(models, checkpoint, extract, feedback))
    return Scored(found[name], extract, name, start, length, beside)


def _check_kinds(models: Mapping[str, Scorer], baseline: bool, dynamic: bool) -> None:
    """Raise ConfigError where models of items are asked what only those of running texts can tell, or held together."""
    of_items = [checkpoint.vocabulary.end is not None for checkpoint, _ in models.values()]
    if any(of_items) and not all(of_items):
        raise ConfigError("some of the models are of items, and others of running texts", "score by models of one kind")
    if any(of_items) and (baseline or dynamic):
        name = "baseline" if baseline else "dynamic"
        raise ConfigError(f"{name} reads a running text, and each item stands alone", f"leave --{name} out for items")


def read_by(checkpoint: Checkpoint, text: str) -> str:
    """Return a text with one character for each of a model's symbols; another's may be others."""
    return checkpoint.vocabulary.folded(plain(text))


def _check(text: str, start: int) -> None:
    if len(text) < 2:
        count = "one character" if text else "no characters"
        raise ConfigError(f"the text has {count} only", "give a text of at least two characters")
    if start >= len(text):
        raise ConfigError(f"the text has {len(text):,} characters, none from {start:,} on", "choose a lower --start")


def _figures(score: Score) -> dict[str, Any]:
    return {
        "characters": score.characters,
        "nats_per_character": score.nats_per_character,
        "bits_per_character": score.bits_per_character,
        "perplexity": score.perplexity,
        "unknown": score.unknown,
    } | ({} if score.written is None else {"symbols": score.symbols, "nats_per_symbol": score.nats_per_symbol})


def _baselines(checkpoint: Checkpoint, extract: Extract, feedback: Feedback) -> list[dict[str, float]]:
    """Nats per character of n-gram models over the same characters, the first left out as for the model."""
    if extract.part not in ("val", "test") or extract.whole is None:
        raise ConfigError("the baseline learns the training part", "choose --part val or --part test to score on")
    split, vocabulary = checkpoint.header.corpus.split, checkpoint.vocabulary
    train, text = (vocabulary.encode(part_of(extract.whole, split, name)) for name in ("train", extract.part))
    found, share = [], (len(text) - 1) / vocabulary.characters_in(text[1:])
    with feedback.bar(MAX_ORDER, "n-grams", unit="order") as bar:
        for order, nats in enumerate(ngram_nats(train, text, len(vocabulary)), start=1):
            found.append({"order": order, "nats_per_character": float(nats[1:].mean()) * share})
            bar.update()
    return found


def _seen(models: Mapping[str, Scorer], judge: Checkpoint, extract: Extract, feedback: Feedback) -> dict[str, int]:
    """How many of the text's characters each model was trained on, as far as can be told; a note says which were."""
    split = judge.header.corpus.split  # what a part is a part of was found to be the judge's own text
    text, part = extract.text, extract.part
    whole = Text("", text).sha256 if part == "all" else judge.header.corpus.sha256
    start = 0 if part == "all" else sum(split[name] for name in takewhile(lambda name: name != part, split))
    seen = {}
    for name, (checkpoint, _) in models.items():
        corpus = checkpoint.header.corpus
        read = corpus.split["train"] if corpus.sha256 == whole else 0
        seen[name] = min(max(read - start, 0), len(text))
        if seen[name]:
            flattered = f"{seen[name]:,} of these {len(text):,} characters, which flatters it here"
            feedback.note(f"{name} was trained on {flattered}")
    return seen


def _comparison(
    scores: Mapping[str, Score], nats: Mapping[str, npt.NDArray[np.float32]], text: str, seen: Mapping[str, int]
) -> dict[str, Any]:
    """Which model the text is most like; how much it saves against each other one; where that shows most."""
    names = list(scores)
    order = [names[place] for place in ranked([scores[name].nats_per_character for name in names])]
    best, second = nats[order[0]], nats[order[1]]
    models = [
        {"model": name, "trained_on": seen[name]} | _figures(scores[name]) | asdict(difference(best, nats[name]))
        for name in order
    ]
    sides = telling_passages(best, second, PASSAGES)
    passages = [
        asdict(passage) | {"like": name, "text": text[passage.start : passage.end]}
        for name, side in zip(order, sides, strict=False)
        for passage in side
    ]
    return {"most_like": order[0], "models": models, "passages": passages}
