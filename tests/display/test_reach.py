"""The curve of influence over distance, and the picture of a passage, from values alone."""

import xml.etree.ElementTree as ET

import pytest

from charrnn.display.highlight import Highlight
from charrnn.display.reach import Reach, curve_rows, html, png, svg

TEXT = "if (“a”)\n\t漢 $x_1$ <b>"


@pytest.fixture
def reach():
    sizes = [0.001 * (place + 1) for place in range(len(TEXT) - 1)] + [1.0]
    highlight = Highlight.of(
        "What bears on <i>", "influence", "a $text$", TEXT, [3 * size for size in sizes], [], top=3
    )
    return Reach(highlight, sizes, [(0.5, 1), (0.9, 7)])


def test_the_rows_of_the_curve_hold_all_distances_once_and_all_influence(reach):
    rows = [row.split() for row in curve_rows(reach)]
    assert [row[0] for row in rows] == ["1", "2–3", "4–7", "8–15", f"16–{len(TEXT)}"]
    assert sum(float(row[2]) for row in rows) == pytest.approx(100, abs=0.3)
    assert rows[0][1] == "1"


def test_a_picture_is_xml_whose_text_is_text_in_any_script(reach):
    texts = [element.text for element in ET.fromstring(svg(reach)).iter() if element.text]
    assert {"漢", "↵", "⇥", "$", "<"} <= {text.strip() for text in texts}
    assert "50 % within 1" in {text.strip() for text in texts}


def test_the_same_values_give_the_same_files(reach, tmp_path):
    assert svg(reach) == svg(reach)
    assert html(reach) == html(reach)
    for name in ("a", "b"):
        png(reach, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_page_holds_the_passage_and_the_curve_and_asks_for_nothing(reach):
    page = html(reach)
    assert page.count('<img class="curve"') == page.count("src=") == 1
    assert 'src="data:image/svg+xml;base64,' in page
    assert "What bears on &lt;i&gt;" in page
    for request in ("<script", "<link", "url(http", "@import"):
        assert request not in page


def test_a_picture_shows_the_rows_nearest_to_the_prediction_and_says_so(monkeypatch):
    monkeypatch.setattr("charrnn.display.reach.ROWS", 2)
    long = Reach(Highlight.of("t", "s", "of a text", "a\nb\nc\n", [0.0] * 6, []), [1.0] * 6, [])
    texts = [element.text.strip() for element in ET.fromstring(svg(long)).iter() if element.text]
    assert {"b", "c"} <= set(texts)
    assert "a" not in texts
    assert "of a text; shown: the last 2 of 3 rows" in texts
