"""What all figures of matplotlib share: whatever their titles, they are read whole."""

import xml.etree.ElementTree as ET

import pytest

from charrnn.display import birth, decay, scatter

WHERE = "/home/someone/" + "a-folder-of-texts/" * 9 + "run"
CURVES = {"unit 0:1": [0.5, 0.6], "the best": [0.6, 0.6]}


@pytest.mark.parametrize(
    "draw",
    [
        lambda path: birth.draw([1, 2], CURVES, 0.5, "AUC", f"depth in {WHERE}", path, "svg"),
        lambda path: scatter.draw({"gate i": {"layer 0": [(0.1, 0.2)]}}, ("x", "y"), f"{WHERE} over a", path, "svg"),
        lambda path: decay.draw({"layer 0": []}, f"{WHERE} over a", path, "svg"),
    ],
    ids=["birth", "scatter", "decay"],
)
def test_no_path_is_too_long_for_a_title(draw, tmp_path):
    draw(tmp_path / "a.svg")
    texts = [each.text.strip() for each in ET.parse(tmp_path / "a.svg").iter() if each.text]
    assert WHERE in "".join(texts)
    assert max(map(len, texts)) < 80
