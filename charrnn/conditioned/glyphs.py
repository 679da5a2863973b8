"""Glyphs: pictures of the characters in the fonts at hand, to be named as Unicode names them."""

import json
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from charrnn.files import make_folder, replacing

MOST = 20_000  # pictures, where nothing else is asked for
SIDE = 32  # pixels
FONTS = 3  # of a character at most
_SIZE = 24  # of a font
_UNNAMED = ("CJK UNIFIED", "HANGUL SYLLABLE", "PRIVATE USE", "VARIATION SELECTOR")  # of which a name only counts
_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts", "C:/Windows/Fonts")


def write_glyphs(folder: Path, count: int, seed: int) -> dict[str, int]:
    """Write pictures and examples.jsonl: image, caption and split; return the pictures of each part.

    The split is by character: in whatever fonts one is drawn, its pictures are in the same part.
    """
    choose, fonts = random.Random(seed), list(_fonts())
    named = [code for code in range(33, 0x1FFFF) if _name(code)]
    choose.shuffle(named)
    make_folder(folder / "images")
    lines: list[dict[str, str]] = []
    drawn = list(_drawn(named, fonts, count))
    codes = list(dict.fromkeys(code for code, _, _ in drawn))
    held_out = min(len(codes) // 10, 700)
    part = {code: "val" if i < held_out else "test" if i < 2 * held_out else "train" for i, code in enumerate(codes)}
    for code, number, picture in drawn:
        name = f"{code:05X}-{number}.png"
        picture.save(folder / "images" / name)
        lines.append({"image": name, "caption": _name(code), "split": part[code]})
    with replacing(folder / "examples.jsonl") as temporary:
        temporary.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return {each: sum(line["split"] == each for line in lines) for each in ("train", "val", "test")}


def _name(code: int) -> str:
    """The name of a character that is seen; none where its name only tells its number."""
    name = unicodedata.name(chr(code), "")
    seen = unicodedata.category(chr(code))[0] not in "CZM"
    return name if seen and not name.startswith(_UNNAMED) else ""


def _fonts() -> Iterator[ImageFont.FreeTypeFont]:
    """The upright fonts of this machine, the same order everywhere."""
    found = {path.name: path for folder in _FOLDERS for path in Path(folder).rglob("*.[ot]tf")}
    for name in sorted(found):
        if not any(word in name for word in ("Bold", "Italic", "Oblique", "Condensed", "Narrow")):
            yield ImageFont.truetype(found[name], _SIZE)


def _drawn(codes: list[int], fonts: list[ImageFont.FreeTypeFont], count: int) -> Iterator[tuple[int, int, Image.Image]]:
    """Yield up to `count` pictures that fonts have of characters, no two of a character alike."""
    missing = [{_pixels(font, chr(code)).tobytes() for code in (0x10FFFF, 0x0378)} for font in fonts]  # no character
    made = 0
    for code in codes:
        seen: set[bytes] = set()
        for font, box in zip(fonts, missing, strict=True):
            picture = _pixels(font, chr(code))
            content = picture.tobytes()
            if len(seen) == FONTS or content in seen or content in box or np.asarray(picture).min() == 255:
                continue
            seen.add(content)
            yield code, len(seen), picture
            made += 1
            if made == count:
                return


def _pixels(font: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    """A character in black on white, in the middle."""
    picture = Image.new("L", (SIDE, SIDE), 255)
    left, top, right, bottom = font.getbbox(character)
    place = ((SIDE - left - right) / 2, (SIDE - top - bottom) / 2)
    ImageDraw.Draw(picture).text(place, character, 0, font)
    return picture
