"""What all figures of matplotlib share: whatever their titles, they are read whole."""

import xml.etree.ElementTree as ET

import pytest
from matplotlib.text import Text

from charrnn.display import decay, emergence, scatter

WHERE = "/home/someone/" + "a-folder-of-texts/" * 9 + "run"
GATES = {f"gate {name}": {"layer 0": [(0.1, 0.2)]} for name in "ifo"}
STAGES = [{"step": 1, "score": 0.5, "best_score": 0.6}, {"step": 2, "score": 0.6, "best_score": 0.6}]
EMERGED = {"feature": "depth", "run": "run", "source": WHERE, "unit": "0:1", "metric": "AUC", "surface_score": 0.5}


each_figure = pytest.mark.parametrize(
    "draw",
    [
        lambda path: emergence.draw(EMERGED | {"stages": STAGES}, path, "svg"),
        lambda path: scatter.draw(GATES, ("x", "y"), f"{WHERE} over a", path, "svg"),
        lambda path: decay.draw({"layer 0": []}, f"{WHERE} over a", path, "svg"),
    ],
    ids=["emergence", "scatter", "decay"],
)


@each_figure
def test_no_path_is_too_long_for_a_title(draw, tmp_path):
    draw(tmp_path / "a.svg")
    texts = [each.text.strip() for each in ET.parse(tmp_path / "a.svg").iter() if each.text]
    assert WHERE in "".join(texts)


@each_figure
def test_no_title_pushes_a_label_out_of_the_picture(draw, tmp_path, monkeypatch):
    drawn = []
    for module in (emergence, scatter, decay):
        monkeypatch.setattr(module, "write", lambda figure, *_: drawn.append(figure))
    draw(tmp_path / "a.svg")
    (figure,) = drawn
    figure.draw_without_rendering()
    named = [label for axes in figure.axes for label in (axes.title, axes.xaxis.label, axes.yaxis.label)]
    for label in filter(Text.get_text, (*figure.texts, *named)):
        box = label.get_window_extent()
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1, label.get_text()
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1, label.get_text()
