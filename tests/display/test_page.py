"""The laws of pages and pictures: hostile text never becomes markup, and nothing is asked for from anywhere."""

import re
import xml.etree.ElementTree as ET
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from charrnn.display.highlight import Highlight
from charrnn.display.page import html, svg

VOID = {"meta"}


class Page(HTMLParser):
    """All elements of a page, each with its attributes and the text in it; complains of one left open."""

    def __init__(self, source):
        super().__init__()
        self.open, self.elements = [], []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def of(self, **wanted):
        return [e for e in self.elements if all(e.get(name) == value for name, value in wanted.items())]


def highlight(text, title="title", guesses=()):
    values = [(-1) ** n * n / max(1, len(text)) for n in range(len(text))]
    return Highlight.of(title, f"scale {title}", f"source {title}", text, values, [list(guesses)] * len(text))


@pytest.fixture
def hostile_highlight(hostile):
    return highlight(hostile, hostile, [(c, 0.3) for c in "<\"'&\x1b\u202e"])


def test_hostile_text_is_no_markup_in_a_page(hostile_highlight):
    source = html(hostile_highlight)
    page = Page(source)
    tags = {"html", "head", "meta", "title", "style", "body", "h1", "p", "div", "span", "b", "i"}
    assert {e["tag"] for e in page.elements} == tags
    assert not [name for e in page.elements for name in e if name.startswith("on") or name in ("href", "src", "style")]
    assert "<script" not in source
    assert "{{ 7*7 }}" in page.of(tag="h1")[0]["text"]


def test_hostile_text_is_shown_as_it_is_in_a_page(hostile_highlight):
    shown = Page(html(hostile_highlight)).of(tag="h1")[0]["text"]
    assert shown.startswith("</script><script>alert(1)</script><b onclick='x'>\"q\" & {{ 7*7 }}")
    assert "[red]markup[/red]" in shown


@pytest.mark.parametrize("draw", [html, svg])
def test_no_control_character_or_override_reaches_a_file(hostile_highlight, draw):
    assert not set(draw(hostile_highlight)) & {*map(chr, range(9)), "\r", "\x1b", "\x7f", "\x9b", "\u202e", "\u2066"}


@pytest.mark.parametrize("guesses", [[], [("x", 0.5), (" ", 0.2)]])
def test_a_page_has_one_cell_per_character(hostile, guesses):
    cells = Page(html(highlight(hostile, guesses=guesses))).of(**{"class": "c"})
    assert len(cells) == len(hostile)
    assert all(len(re.findall("then ", cell["title"])) == len(guesses) for cell in cells)


def test_a_page_shows_each_character_above_its_guesses():
    cells = Page(html(highlight("a<\n", guesses=[("x", 0.5), (" ", 0.2)]))).of(**{"class": "c"})
    assert [cell["text"] for cell in cells] == ["ax␣", "<x␣", "↵x␣"]


def test_a_page_forbids_itself_every_request(hostile_highlight):
    (policy,) = Page(html(hostile_highlight)).of(**{"http-equiv": "Content-Security-Policy"})
    directives = [directive.strip() for directive in policy["content"].split(";")]
    (style,) = re.findall(r"<style>(.*?)</style>", html(hostile_highlight), re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert directives == ["default-src 'none'", f"style-src 'sha256-{digest}'"]


def test_a_page_asks_for_nothing(hostile_highlight):
    source = html(hostile_highlight)
    assert not re.search(r"https?://|url\(|@import|<link|<img", source)


def test_a_value_is_coloured_by_its_place_on_the_scale():
    shown = Highlight.of("t", "s", "o", "abc", [-3.0, 0.0, 1.0], [])
    levels = [e["class"] for e in Page(html(shown)).of(tag="b")]
    assert levels == ["v0", "v20", "v40"]


def test_an_svg_with_hostile_text_is_xml_that_shows_it(hostile_highlight, hostile):
    root = ET.fromstring(svg(hostile_highlight))
    assert root.find("{*}title").text.startswith("</script><script>alert(1)</script>")
    assert {element.tag.split("}")[1] for element in root.iter()} == {"svg", "title", "rect", "text", "g"}
    characters = [e.text for e in root.findall(".//{*}text") if e.get("font-size") == "15" and e.get("text-anchor")]
    assert len(characters) == len(hostile)


def test_an_svg_refers_to_nothing_outside(hostile_highlight):
    source = svg(hostile_highlight).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?://|url\(|href|@import|<script|<image", source)


def test_an_svg_is_as_wide_as_its_columns_and_places_every_cell_in_them():
    root = ET.fromstring(svg(highlight("日x" * 60 + "\nz")))
    rows = root.findall("{*}g")[1:]
    assert len(rows) == 4
    width = float(root.get("width")) - 40
    boxes = [(float(r.get("x")), float(r.get("width"))) for row in rows for r in row.findall("{*}rect")]
    assert all(x >= 0 and x + w <= width + 1 for x, w in boxes)


@pytest.mark.parametrize("draw", [html, svg])
def test_an_empty_passage_can_be_drawn(draw):
    assert "title" in draw(highlight(""))


ARABIC, HEBREW, HINDI = "مرحبا", "שלום", "हिन्दी"


@pytest.mark.parametrize("line", [ARABIC, HEBREW, HINDI, f"ok {ARABIC}"])
def test_a_line_of_a_joined_script_is_a_run_in_which_each_letter_keeps_its_colour(line):
    text = f"{line}\nplain\n"
    values = [(-1) ** place * 0.9 for place in range(len(text))]
    made = Highlight.of("title", "scale", "source", text, values, [[("a", 0.5)]] * len(text))
    page, picture = html(made), svg(made)
    run, plain = re.findall(r'<div class="row.*?</div>', page, re.DOTALL)
    assert 'class="row run" dir="auto"' in run
    assert "dir" not in plain
    paints = [("38", "2")[place % 2] for place in range(len(line) + 1)]
    assert re.findall(r'<b class="v(\d+)">(.)</b>', run) == list(zip(paints, f"{line}↵", strict=True))
    assert "then a" in run
    assert "<i" not in run
    assert plain.count("<i") == len("plain\n")
    spans = re.findall(r'<tspan fill="(.*?)">(.)</tspan>', picture)
    assert "".join(letter for _, letter in spans) == f"{line}↵"
    assert all(one != other for (one, _), (other, _) in pairwise(spans))
    assert ('direction="rtl"' in picture) == (line in (ARABIC, HEBREW))


def test_rows_of_colours_keep_their_columns_in_any_script():
    made = Highlight.stacked("title", "scale", "source", ARABIC, {"0:1": [0.5] * len(ARABIC)}, [])
    assert "run" not in re.findall(r'<div class="(row.*?)"', html(made))[0]
    assert "tspan" not in svg(made)


def test_a_browser_sets_a_run_from_right_to_left_and_joins_its_letters(chromium):
    page = chromium.new_page()
    made = Highlight.of("title", "scale", "source", f"{ARABIC}\n", [0.1] * (len(ARABIC) + 1), [])
    page.set_content(html(made))
    boxes = [each.bounding_box() for each in page.locator(".run b").all()]
    assert [box["x"] for box in boxes] == sorted((box["x"] for box in boxes), reverse=True)
    page.close()


def test_a_narrow_browser_breaks_a_line_between_words(chromium):
    words = "alone lighthouse keeper wonders " * 4
    page = chromium.new_page(viewport={"width": 390, "height": 600})
    page.set_content(html(Highlight.of("t", "s", "of", words, [0.0] * len(words), [])))
    tops = page.locator(".c").evaluate_all("(all) => all.map((each) => Math.round(each.getBoundingClientRect().top))")
    page.close()
    breaks = [place for place in range(1, len(tops)) if tops[place] != tops[place - 1]]
    assert breaks
    assert {words[place - 1] for place in breaks} == {" "}
