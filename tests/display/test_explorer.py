"""The explorer page, driven in a real browser as a reader would."""

import re
from dataclasses import replace

import numpy as np
import pytest

from charrnn.display import explorer as room
from charrnn.display.explorer import Explorer, Ranked, html

LAYERS, UNITS = 3, 5
TEXT = "if (a) {\n\tb = 'it';\n}\n" * 14
HOSTILE = "</script><script>document.title='taken'</script><!-- \"'&amp; \x1b[31m\u202e\u2028 [red] {{7*7}} é\u0301\n"


def made(text=TEXT, layers=LAYERS, units=UNITS, **options):
    random = np.random.default_rng(0)
    shape = (layers, len(text), units)
    values = random.uniform(-1, 1, shape)
    values[1, :, 2] = [1 if c == "\t" else -0.5 for c in text]  # a unit that tells tabs from the rest
    fields = {
        "title": "a model",
        "scale": "tanh(c)",
        "source": "a text",
        "text": text,
        "values": values,
        "gates": {name: random.uniform(-1 if name == "g" else 0, 1, shape) for name in "ifgo"},
        "signed": ("g",),
        "surprisal": random.uniform(0, 5, len(text)),
        "guesses": [[("a", 0.5), ("\n", 0.25)]] * len(text),
        "ranked": [
            Ranked(
                "tabs", 1, 2, "AUC", 0.99, 0.6, 0.99, -1, 1 / 201, "single unit", curve=[(1, 0.97), (2, 1.0), (64, 1.0)]
            ),
            Ranked("depth", 2, 4, "Spearman's ρ", 0.2, 0.3, 0.4, 1, 0.5, "not found"),
        ],
        "opens": (1, 2),
    }
    return Explorer(**fields | options)


@pytest.fixture
def shown(open_page, tmp_path):
    """A function that writes the page of an explorer and opens it."""

    def opened(explorer=None, address="", **options):
        path = tmp_path / "page.html"
        path.write_text(html(explorer or made()), room.ENCODING)
        page = open_page(path, address, **options)
        page.wait_for_selector("html[data-ready]")
        return page

    return opened


def unit(page):
    return page.locator("#unit-name").inner_text()


def character(page, place):
    return page.locator("#text span").nth(place)


def test_the_page_opens_at_the_unit_it_was_made_for_with_every_character_coloured(shown):
    page = shown()
    assert unit(page) == "1:2"
    assert page.locator("#text span").count() == len(TEXT)
    colours = {page.evaluate("place => getComputedStyle(spans[place]).backgroundColor", TEXT.index(c)) for c in "\tb'"}
    assert len(colours) == 2


def test_arrow_keys_choose_units_and_layers_and_the_address_follows(shown):
    page = shown()
    page.keyboard.press("ArrowRight")
    assert unit(page) == "1:3"
    page.keyboard.press("ArrowUp")
    assert unit(page) == "0:3"
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    assert unit(page) == "0:4"
    page.keyboard.press("ArrowUp")
    assert unit(page) == "0:4"
    assert page.url.endswith("#0:4")


@pytest.mark.parametrize(("address", "opened"), [("#2:1", "2:1"), ("#9:9", "1:2"), ("#<b>", "1:2")])
def test_an_address_opens_its_unit_and_nonsense_the_first(shown, address, opened):
    assert unit(shown(address=address)) == opened


def test_pointing_at_a_character_tells_its_figures(shown):
    explorer = made()
    page = shown(explorer)
    place = TEXT.index("\t")
    character(page, place).hover()
    page.locator("#figures dt").nth(5).wait_for()  # the page's policy forbids what a wait for a function does
    told = page.locator("#figures").inner_text().split()
    assert told[told.index("tanh(c)") + 1] == "+1.00"
    for name, low in (("i", 0), ("f", 0), ("g", -1), ("o", 0)):
        value = float(told[told.index(name) + 1].replace("−", "-"))
        assert value == pytest.approx(explorer.gates[name][1, place, 2], abs=(1 - low) / 30 + 0.01)
    assert float(told[told.index("surprisal") + 1]) == pytest.approx(explorer.surprisal[place], abs=0.01)
    assert page.locator("#guesses li").all_inner_texts() == ["a\n50 %", "↵\n25 %"]
    assert page.locator("#place").inner_text() == f"character {place + 1} of {len(TEXT)}"


def test_a_marked_passage_ranks_the_units_that_fire_on_it(shown):
    page = shown(address="#0:0")
    first = TEXT.index("\t")
    ends = [character(page, place).bounding_box() for place in (first, first)]
    page.mouse.move(ends[0]["x"] + 2, ends[0]["y"] + 5)
    page.mouse.down()
    page.mouse.move(ends[1]["x"] + ends[1]["width"] + 4, ends[1]["y"] + 5, steps=3)
    page.mouse.up()
    assert page.locator("#text .in").count() == 2
    best = page.locator("#firing button").first
    assert best.inner_text().startswith("1:2")
    best.click()
    assert unit(page) == "1:2"
    page.go_back()
    assert unit(page) == "0:0"


def test_the_text_is_read_and_marked_with_the_keyboard_alone(shown):
    page = shown()
    page.keyboard.press("t")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert page.locator("#place").inner_text() == f"character {TEXT.index(chr(9)) + 1} of {len(TEXT)}"
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    assert page.locator("#text .in").count() == 4
    assert page.locator("#firing button").count() == 14
    page.keyboard.press("Escape")
    assert page.locator("#firing button").count() == 0
    page.keyboard.press("ArrowRight")
    assert unit(page) == "1:3"


def test_ranked_features_lead_to_their_units(shown):
    page = shown()
    page.keyboard.press("n")
    assert unit(page) == "2:4"
    page.keyboard.press("p")
    assert unit(page) == "1:2"
    assert page.locator("#ranked tr.here").inner_text().split() == [
        "tabs",
        "−1:2",
        "0.99",
        "0.60",
        "0.99",
        ".005",
        "single",
        "unit",
    ]
    page.get_by_role("button", name="depth").click()
    assert unit(page) == "2:4"


def test_how_many_units_a_feature_takes_is_drawn_for_the_unit_that_is_shown(shown):
    page = shown()
    assert page.locator("#curve circle").count() == 3
    assert page.locator("#curve circle title").first.text_content() == "1 unit: 97 %"
    assert (
        page.locator("#needed-title").inner_text()
        == "tabs: share of the layer's strength, by number of units from 1:2 on"
    )
    page.keyboard.press("n")
    assert not page.locator("#needed").is_visible()


@pytest.mark.parametrize("line", ["السلام عليكم", "בראשית ברא"])
def test_a_browser_sets_a_line_from_right_to_left_and_arrows_go_where_they_point(shown, line):
    page = shown(made(f"plain\n{line}\nplain\n"))
    boxes = [character(page, place).bounding_box() for place in range(6 + len(line) + 7)]
    left = [box["x"] for box in boxes]
    assert left[6 : 7 + len(line)] == sorted(left[6 : 7 + len(line)], reverse=True)
    assert left[:6] == left[7 + len(line) :] == sorted(left[:6])
    rows = sorted({round(box["y"]) for box in boxes})
    assert len(rows) == 3
    assert rows[2] - rows[1] == pytest.approx(rows[1] - rows[0], abs=2)  # no line stands empty between them
    character(page, 6).click()
    page.locator("#text").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#text .at").bounding_box() == boxes[7]


def test_a_mark_stands_on_its_letter_in_a_run_and_on_a_circle_alone(shown):
    page = shown(made("कि e\u0301\ne\u0301\n"))
    assert page.locator("#text").inner_text().split() == ["कि", "e\u0301↵", "e◌\u0301↵"]


def test_strongest_passages_lead_to_their_places(shown):
    page = shown()
    page.keyboard.press("s")
    assert page.locator("#text .in").count() == 32
    page.locator("#strongest button").last.click()
    assert page.locator("#text .in").count() == 32
    assert page.locator("#firing button").count() == 14


def test_passages_are_ranked_by_their_peaks_and_show_them(shown):
    """A long stretch of middling values is not stronger than one high value among low ones."""
    explorer = made()
    unit_s = np.full(len(TEXT), -0.02)
    unit_s[10:60], unit_s[200], unit_s[206], unit_s[-1] = 0.5, 0.97, -0.9, 0.7
    explorer.values[0, :, 0] = unit_s
    page = shown(replace(explorer, opens=(0, 0)))
    passages = page.locator("#strongest button").all_inner_texts()
    assert [float(text.split()[0].replace("−", "-")) for text in passages] == pytest.approx(
        [0.97, 0.5, -0.9, -0.02], abs=1 / 63
    )


def test_the_histogram_counts_every_character(shown):
    counts = shown().locator("#histogram title").all_text_contents()
    assert sum(int(re.match(r"\d+", count)[0]) for count in counts) == len(TEXT)


def test_help_opens_and_closes_by_keys(shown):
    page = shown()
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()


def test_the_page_is_dark_where_the_reader_wants_it_and_turns_by_a_key(shown):
    page = shown(color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(paper)
    page.keyboard.press("d")
    assert page.evaluate(paper) != dark


def test_a_phone_shows_all_without_scrolling_sideways(shown):
    page = shown(viewport={"width": 360, "height": 740}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    character(page, 3).tap()
    assert page.locator("#character").is_visible()


@pytest.mark.parametrize("width", [390, 1400])
def test_long_names_and_verdicts_break_and_push_nothing_aside(shown, width):
    each = replace(made().ranked[0], feature="inside_comment_or_string", verdict="no better than leaky counters")
    page = shown(made(ranked=[each]), viewport={"width": width, "height": 1000})
    for where in ("aside", "html", "#features"):
        assert (
            page.evaluate(
                f"(({{ scrollWidth, clientWidth }}) => scrollWidth - clientWidth)(document.querySelector('{where}'))"
            )
            <= 0
        )


def test_print_leaves_out_what_only_a_screen_needs(shown):
    page = shown()
    page.emulate_media(media="print")
    assert not page.locator(".controls").is_visible()
    assert page.locator("#text").is_visible()


def test_hostile_texts_are_text(shown):
    page = shown(
        made(
            HOSTILE,
            title=HOSTILE,
            source=HOSTILE,
            scale=HOSTILE,
            guesses=[[("<", 0.9), ("\u2028", 0.1)]] * len(HOSTILE),
            ranked=[Ranked(HOSTILE, 0, 0, "AUC", 0.9, 0.5, 0.9, 1, 0.005, "single unit")],
        )
    )
    assert page.title() != "taken"
    shown_text = page.locator("#text").inner_text()
    assert "</script><script>document.title='taken'</script><!--" in shown_text
    assert not set("\x1b\u202e\u2028") & set(shown_text)
    assert page.locator("script").count() == 3


def test_a_policy_lets_nothing_run_but_the_page_itself():
    page = html(made())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "worker-src" not in policy  # there is no network to run
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_networks_without_gates_have_none(shown):
    page = shown(made(gates={}, signed=()))
    character(page, 2).hover()
    page.wait_for_selector("#figures dt")
    assert "gate" not in page.locator("#figures").inner_text()


def test_gates_are_kept_while_there_is_room_first_for_the_ranked_and_said_to_be_missing_else(shown, monkeypatch):
    whole = sum(map(len, room._content(made())["gateValues"].values()))
    monkeypatch.setattr(room, "LARGEST", len(room._content(made())["values"]) + whole // 3)
    page = shown()
    kept = page.evaluate("Object.keys(data.gateValues)")
    assert {"1:2", "2:4"} < set(kept)
    assert len(kept) < LAYERS * UNITS
    missing = next(f"{layer}:{index}" for layer in range(3) for index in range(5) if f"{layer}:{index}" not in kept)
    page.evaluate("unit => show(...unit.split(':').map(Number))", missing)
    character(page, 2).hover()
    page.wait_for_selector("#figures .none >> text=kept for the units that vary most")


def test_the_largest_page_is_within_twelve_megabytes_and_opens(shown):
    text = (TEXT * 13)[:4000]
    page = shown(replace(made(text, 3, 512), opens=(2, 511)))
    assert page.evaluate("document.documentElement.outerHTML.length") < 12e6
    assert unit(page) == "2:511"
