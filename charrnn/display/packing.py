"""Bytes as text that a page can hold in little room: compressed, 15 bits in each sign, 16 bits of a page in UTF-16."""

import zlib

import numpy as np

DEFLATE15 = "deflate15"  # the name of this packing, by which a page knows it
_BITS = 15
_HAN, _HANGUL = 0x3400, 0xAC00  # where blocks of signs begin that no page need escape
_FIRST = 0xA000 - _HAN  # numbers that the first block has signs for; the second has one for each of the rest


def packed(content: bytes) -> str:
    """Return bytes as text: what zlib makes of them, 15 bits a sign, the upper bits first.

    The first sign tells how many bytes too many, none or one, the bits that fill up the last sign would make.
    """
    bits = np.unpackbits(np.frombuffer(zlib.compress(content, 9), np.uint8))
    filled = np.pad(bits, (0, -len(bits) % _BITS)).reshape(-1, _BITS)
    numbers = np.zeros(len(filled) + 1, np.uint16)
    numbers[0] = (filled.size - len(bits)) // 8
    for column in filled.T:
        numbers[1:] = numbers[1:] * 2 + column
    codes = np.where(numbers < _FIRST, numbers + _HAN, numbers.astype(np.int32) - _FIRST + _HANGUL)
    return codes.astype("<u2").tobytes().decode("utf-16-le")
