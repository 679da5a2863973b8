"""What a score is, as lines of text: the figures, and what stands beside them."""

import math
from typing import Any

from charrnn.display.signs import one_line

EXCERPT = 55  # characters of a passage that are shown


def text(told: dict[str, Any]) -> str:
    """Return the figures of a score as lines."""
    unknown, characters = told["unknown"], told["characters"]
    lines = [
        *(_by_symbol(told) if "symbols" in told else []),
        f"{told['nats_per_character']:.4f} nats per character ({told['bits_per_character']:.4f} bits, "
        f"perplexity {told['perplexity']:.3f}) over {characters:,} character{'' if characters == 1 else 's'}"
        + (f", {unknown:,} of them unknown" if unknown else ""),
    ]
    if "dynamic" in told:
        dynamic = told["dynamic"]["nats_per_character"]
        lines.append(f"{dynamic:.4f} learning as it reads: {_less(dynamic - told['nats_per_character'])}")
    if "baselines" in told:
        lines += _baselines(told["baselines"], told["nats_per_character"])
    return "\n".join(lines + (_comparison(told) if "models" in told else []))


def _by_symbol(told: dict[str, Any]) -> list[str]:
    nats = told["nats_per_symbol"]
    perplexity = math.exp(min(nats, 700))
    return [f"{nats:.4f} nats per symbol (perplexity {perplexity:.3f}) over {told['symbols']:,} symbols"]


def _baselines(baselines: list[dict[str, float]], nats: float) -> list[str]:
    """One line for each order, and how far the model is from the best of them."""
    best = min(baselines, key=lambda line: line["nats_per_character"])
    return [
        "\nn-gram models of the same training text (interpolated Kneser–Ney), nats per character:",
        *(
            f"  n = {line['order']:<3} {line['nats_per_character']:.4f}{'  the best of them' if line is best else ''}"
            for line in baselines
        ),
        f"The model needs {_less(nats - best['nats_per_character'])} than the best of them.",
    ]


def _less(difference: float) -> str:
    return f"{abs(difference):.4f} nats {'less' if difference < 0 else 'more'}"


def _comparison(told: dict[str, Any]) -> list[str]:
    lines = ["\nnats per character, and what the first saves against each (95 % interval):"]
    for line in told["models"]:
        lines.append(f"  {line['nats_per_character']:.4f}  {_saved(line, told):34} {one_line(line['model'])}")
    doubt = "" if (told["models"][1]["low"] or 0) > 0 else ", but this may be chance"
    lines.append(f"The text is most like {one_line(told['most_like'])}{doubt}.")
    for like in dict.fromkeys(passage["like"] for passage in told["passages"]):
        lines.append(f"\nMost like {one_line(like)}, nats per character that it saves, and where:")
        for passage in told["passages"]:
            if passage["like"] == like:
                excerpt = one_line(passage["text"][:EXCERPT])
                lines.append(f"  {abs(passage['saved']):.3f}  at {passage['start']:<9,} {excerpt}…")
    return lines


def _saved(line: dict[str, Any], told: dict[str, Any]) -> str:
    if line["model"] == told["most_like"]:
        return ""
    if line["low"] is None:
        return f"{line['mean']:+.4f} (too short to tell)"
    return f"{line['mean']:+.4f} ({line['low']:+.4f} to {line['high']:+.4f})"
