"""The curve of how many units it takes: shares of the layer's strength, of what is followed at all, as a picture."""

import pytest

from charrnn.display.needed import curves, draw


def finding(name, kind, layer, scores, verdict="distributed", needed=2):
    curve = [{"units": number, "score": score} for number, score in enumerate(scores, 1)]
    return {"feature": name, "kind": kind, "layer_score": layer, "curve": curve, "verdict": verdict,
            "units_needed": needed}  # fmt: skip


TOLD = {
    "model": "m",
    "source": ["a", "b"],
    "features": [
        finding("quotes", "binary", 0.9, [0.7, 0.88]),
        finding("depth", "continuous", 0.8, [0.2, 0.4], needed=None),
        finding("spaces", "binary", 1.0, [0.9, 1.0], "baseline"),
    ],
}


def test_a_curve_is_of_shares_of_the_layers_strength():
    found = curves(TOLD)
    assert list(found) == ["quotes: 2", "depth: more than 2"]
    assert found["quotes: 2"] == ([1, 2], pytest.approx([0.5, 0.95]))
    assert found["depth: more than 2"] == ([1, 2], pytest.approx([0.25, 0.5]))


@pytest.mark.parametrize("features", [TOLD["features"], []])
def test_the_picture_is_drawn_also_where_nothing_was_found(tmp_path, features):
    draw(TOLD | {"features": features}, tmp_path / "needed.png")
    assert (tmp_path / "needed.png").read_bytes().startswith(b"\x89PNG")
