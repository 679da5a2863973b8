"""Scenes: generated pictures of three things, with captions and questions whose truth, and whose places, are known."""

import json
import random
from collections.abc import Iterator, Sequence
from math import hypot
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw

from charrnn.files import make_folder, replacing

MOST = 10_000  # pictures, where nothing else is asked for
HELD_OUT = 500  # of them for validation and for the test each, at most
SIDE = 64  # pixels
COLOURS = {
    "red": (214, 39, 40),
    "green": (44, 160, 44),
    "blue": (31, 90, 200),
    "yellow": (240, 200, 20),
    "purple": (148, 60, 190),
    "black": (20, 20, 20),
}
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "ring")
RELATIONS = {"left": "left of", "right": "right of", "above": "above", "below": "below"}
NUMBERS = ("0", "1", "2", "3")
ANSWERS = (*COLOURS, *SHAPES, *RELATIONS, *NUMBERS, "yes", "no")
QUESTIONS = 4  # about each picture
_OBJECTS = 3
_FINE = 4  # times as fine a grid on which things are drawn
_APART, _CLEAR = 19, 4  # pixels between two centres; between how far two things lie apart in x and in y
_PAPER = 250  # the darkest background


class Thing(NamedTuple):
    """A thing in a picture: its colour, its shape, its centre, and how far it reaches from there, in pixels."""

    colour: str
    shape: str
    x: float
    y: float
    reach: float

    @property
    def name(self) -> str:
        """What a caption calls it."""
        return f"{self.colour} {self.shape}"

    @property
    def box(self) -> tuple[float, ...]:
        """Left, top, right and bottom, as shares of the picture."""
        ends = (self.x - self.reach, self.y - self.reach, self.x + self.reach, self.y + self.reach)
        return tuple(round(end / SIDE, 4) for end in ends)


class Asked(NamedTuple):
    """A question, its answer, and the thing that the answer is about, where it is one."""

    question: str
    answer: str
    about: Thing | None = None


def scene(choose: random.Random) -> tuple[Thing, ...]:
    """Return three things, no two alike, none over another, each pair clearly side by side or one above the other."""
    kinds = choose.sample([(colour, shape) for colour in COLOURS for shape in SHAPES], _OBJECTS)
    while True:
        things = tuple(
            Thing(colour, shape, choose.uniform(9, SIDE - 9), choose.uniform(9, SIDE - 9), choose.uniform(6, 8))
            for colour, shape in kinds
        )
        pairs = [(a, b) for i, a in enumerate(things) for b in things[:i]]
        if all(_are_clear(a, b) for a, b in pairs):
            return things


def _are_clear(a: Thing, b: Thing) -> bool:
    dx, dy = abs(a.x - b.x), abs(a.y - b.y)
    return hypot(dx, dy) >= _APART and abs(dx - dy) >= _CLEAR


def relation(a: Thing, b: Thing) -> str:
    """Return where the first thing is, seen from the second: left, right, above or below."""
    dx, dy = a.x - b.x, a.y - b.y
    if abs(dx) > abs(dy):
        return "left" if dx < 0 else "right"
    return "above" if dy < 0 else "below"


def captions(things: Sequence[Thing]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """Yield each true caption that relates two things, with where its words stand and what they name."""
    for a in things:
        for b in things:
            if a is not b:
                begin, between = f"a {a.name}", f" is {RELATIONS[relation(a, b)]} a "
                second = len(begin) + len(between)
                yield (
                    f"{begin}{between}{b.name}",
                    [_place(2, len(begin), a), _place(second, second + len(b.name), b)],
                )


def _place(begin: int, end: int, thing: Thing) -> tuple[Any, ...]:
    """What symbols of an output tell of, as `captions.Place` is read."""
    return begin, end, thing.box


def questions(things: Sequence[Thing], choose: random.Random) -> Iterator[Asked]:
    """Yield questions about a scene, each of a kind of its own, as far as the scene allows it."""
    kinds = [_colour, _shape, _how_many, _is_there, _beside, _where]
    for kind in choose.sample(kinds, len(kinds)):
        if asked := kind(things, choose):
            yield asked


def _colour(things: Sequence[Thing], choose: random.Random) -> Asked | None:
    alone = [a for a in things if sum(b.shape == a.shape for b in things) == 1]
    if not alone:
        return None
    thing = choose.choice(alone)
    return Asked(f"what colour is the {thing.shape}?", thing.colour, thing)


def _shape(things: Sequence[Thing], choose: random.Random) -> Asked | None:
    alone = [a for a in things if sum(b.colour == a.colour for b in things) == 1]
    if not alone:
        return None
    thing = choose.choice(alone)
    return Asked(f"what shape is the {thing.colour} thing?", thing.shape, thing)


def _how_many(things: Sequence[Thing], choose: random.Random) -> Asked:
    if choose.random() < 0.5:
        colour = choose.choice([*COLOURS, *(a.colour for a in things)])
        return Asked(f"how many {colour} things are there?", str(sum(a.colour == colour for a in things)))
    shape = choose.choice([*SHAPES, *(a.shape for a in things)])
    return Asked(f"how many things are a {shape}?", str(sum(a.shape == shape for a in things)))


def _is_there(things: Sequence[Thing], choose: random.Random) -> Asked:
    thing = choose.choice(list(things))
    if choose.random() < 0.5:
        return Asked(f"is there a {thing.name}?", "yes", thing)
    others = [f"{colour} {thing.shape}" for colour in COLOURS] + [f"{thing.colour} {shape}" for shape in SHAPES]
    names = {a.name for a in things}
    return Asked(f"is there a {choose.choice([name for name in others if name not in names])}?", "no")


def _beside(things: Sequence[Thing], choose: random.Random) -> Asked | None:
    found = [
        (others[0], where, b)
        for b in things
        for where in RELATIONS
        if len(others := [a for a in things if a is not b and relation(a, b) == where]) == 1
    ]
    if not found:
        return None
    thing, where, other = choose.choice(found)
    what, answer = choose.choice([("colour", thing.colour), ("shape", thing.shape)])
    return Asked(f"what {what} is the thing {RELATIONS[where]} the {other.name}?", answer, thing)


def _where(things: Sequence[Thing], choose: random.Random) -> Asked:
    a, b = choose.sample(list(things), 2)
    return Asked(f"where is the {a.name}, seen from the {b.name}?", relation(a, b))


def drawn(things: Sequence[Thing], paper: int) -> Image.Image:
    """Return the picture of a scene."""
    picture = Image.new("RGB", (SIDE * _FINE, SIDE * _FINE), (paper, paper, paper))
    draw = ImageDraw.Draw(picture)
    for thing in things:
        x, y, r = thing.x * _FINE, thing.y * _FINE, thing.reach * _FINE
        box, fill = (x - r, y - r, x + r, y + r), COLOURS[thing.colour]
        if thing.shape == "circle":
            draw.ellipse(box, fill)
        elif thing.shape == "ring":
            draw.ellipse(box, outline=fill, width=round(0.4 * r))
        elif thing.shape == "square":
            draw.rectangle((x - 0.85 * r, y - 0.85 * r, x + 0.85 * r, y + 0.85 * r), fill)
        elif thing.shape == "cross":
            draw.rectangle((x - r, y - 0.33 * r, x + r, y + 0.33 * r), fill)
            draw.rectangle((x - 0.33 * r, y - r, x + 0.33 * r, y + r), fill)
        elif thing.shape == "triangle":
            draw.polygon([(x, y - r), (x + r, y + 0.85 * r), (x - r, y + 0.85 * r)], fill)
        else:
            draw.polygon([(x, y - r), (x + r, y), (x, y + r), (x - r, y)], fill)
    return picture.reduce(_FINE)


def write_scenes(folder: Path, count: int, seed: int) -> dict[str, int]:
    """Write pictures, and their captions as Karpathy's dataset.json has them; return the pictures of each part."""
    images: list[dict[str, Any]] = []
    for number, (name, things, part) in enumerate(_pictures(folder, count, seed)):
        said = [
            {"raw": raw, "tokens": raw.split(), "imgid": number, "places": places} for raw, places in captions(things)
        ]
        images.append({"filename": name, "imgid": number, "split": part, "sentences": said})
    _write(folder / "dataset.json", {"dataset": "scenes", "images": images})
    return _counts([image["split"] for image in images])


def write_questions(folder: Path, count: int, seed: int) -> dict[str, int]:
    """Write pictures, and questions about them as CLEVR has them; return the questions of each part."""
    choose = random.Random(f"{seed} asks")
    asked: list[dict[str, Any]] = []
    for number, (name, things, part) in enumerate(_pictures(folder, count, seed)):
        for one, _ in zip(questions(things, choose), range(QUESTIONS), strict=False):
            places = [_place(0, 1, one.about)] if one.about else []
            about = {"image_filename": name, "image_index": number, "split": part, "places": places}
            asked.append({**about, "question": one.question, "answer": one.answer, "question_index": len(asked)})
    _write(folder / "questions.json", {"info": {"split": "train, val and test"}, "questions": asked})
    return _counts([one["split"] for one in asked])


def _pictures(folder: Path, count: int, seed: int) -> Iterator[tuple[str, tuple[Thing, ...], str]]:
    """Draw pictures into a folder; yield the name of each, what is in it, and its part.

    Nothing but the file that is written after them makes a set of them, so they are written without more ado.
    """
    choose = random.Random(seed)
    make_folder(folder / "images")
    held_out = min(HELD_OUT, count // 10)
    for number in range(count):
        things, name = scene(choose), f"{number:06}.png"
        drawn(things, choose.randint(_PAPER, 255)).save(folder / "images" / name)
        yield name, things, "val" if number < held_out else "test" if number < 2 * held_out else "train"


def _write(path: Path, content: Any) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, separators=(",", ":")) + "\n", "utf-8")


def _counts(parts: Sequence[str]) -> dict[str, int]:
    return {part: parts.count(part) for part in ("train", "val", "test")}
