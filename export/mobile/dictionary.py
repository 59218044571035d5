"""The pronouncing dictionary as one small binary file, without TensorFlow.

Little-endian throughout:

    8 bytes   magic `WG2DICT1`
    uint32    number of words, then number of blocks, then bytes of phoneme names
    names     the phonemes, ASCII, separated by spaces; a phoneme is its index there
    uint32[]  where each block begins, in bytes from the end of this table
    blocks    16 words each (the last may have fewer), in the order of their bytes

A word is: uint8 bytes that it shares with the word before (0 in front of a block),
uint8 number of further bytes, those bytes (UTF-8), uint8 number of pronunciations, and
for each of them uint8 number of phonemes and one uint8 for every phoneme. To find a
word, bisect the blocks by their first words and read on in one block.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

_MAGIC = b"WG2DICT1"
_HEADER = struct.Struct("<III")
_BLOCK_WORDS = 16
_LONGEST = 255

Pronunciations = Sequence[Sequence[str]]


def to_bytes(words: Mapping[str, Pronunciations], phonemes: Iterable[str]) -> bytes:
    """The file's content.

    Args:
        words: Word -> its pronunciations, the usual one first.
        phonemes: All that occur.

    Raises:
        ValueError: If a word or pronunciation is longer than the format allows.
    """
    phonemes = tuple(phonemes)
    index = {phoneme: i for i, phoneme in enumerate(phonemes)}
    ordered = sorted((word.encode("utf-8"), word) for word in words)
    blocks = []
    for start in range(0, len(ordered), _BLOCK_WORDS):
        block, previous = bytearray(), b""
        for encoded, word in ordered[start : start + _BLOCK_WORDS]:
            shared = _shared(previous, encoded)
            block += _sized(encoded[shared:], word, shared)
            block.append(len(words[word]))
            for pronunciation in words[word]:
                block += _sized(bytes(index[p] for p in pronunciation), word)
            previous = encoded
        blocks.append(bytes(block))
    names = " ".join(phonemes).encode("ascii")
    offsets, position = [], 0
    for block in blocks:
        offsets.append(position)
        position += len(block)
    return b"".join(
        [
            _MAGIC,
            _HEADER.pack(len(ordered), len(blocks), len(names)),
            names,
            struct.pack(f"<{len(offsets)}I", *offsets),
            *blocks,
        ]
    )


def _shared(first: bytes, second: bytes) -> int:
    """How many bytes both begin with."""
    same = itertools.takewhile(
        lambda pair: pair[0] == pair[1], zip(first, second, strict=False)
    )
    return sum(1 for _ in same)


def _sized(data: bytes, word: str, *before: int) -> bytes:
    if len(data) > _LONGEST or any(number > _LONGEST for number in before):
        raise ValueError(f"{word!r} is too long for the dictionary's format")
    return bytes([*before, len(data)]) + data


class Dictionary:
    """Reads what `to_bytes` made.

    Args:
        path: The file.
    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is no such file, or incomplete.
    """

    def __init__(self, path: str | Path):
        self._data = data = Path(path).read_bytes()
        start = len(_MAGIC) + _HEADER.size
        if data[: len(_MAGIC)] != _MAGIC or len(data) < start:
            raise ValueError(f"{path} is no dictionary of a wg2 package")
        self.num_words, num_blocks, size = _HEADER.unpack_from(data, len(_MAGIC))
        self._phonemes = data[start : start + size].decode("ascii").split(" ")
        table = struct.Struct(f"<{num_blocks}I")
        self._start = start + size + table.size
        if len(data) < self._start:
            raise ValueError(f"{path} is incomplete")
        offsets = table.unpack_from(data, start + size)
        self._blocks = [self._start + offset for offset in offsets]

    def get(self, word: str) -> tuple[tuple[str, ...], ...]:
        """Pronunciations of exactly `word`, the usual one first; empty if unknown."""
        wanted = word.encode("utf-8")
        low, high = 0, len(self._blocks)
        while high - low > 1:
            middle = (low + high) // 2
            if next(self._words(middle))[0] <= wanted:
                low = middle
            else:
                high = middle
        for found, position in self._words(low) if self._blocks else ():
            if found == wanted:
                return self._pronunciations(position)[0]
            if found > wanted:
                break
        return ()

    def __iter__(self) -> Iterator[str]:
        for block in range(len(self._blocks)):
            for word, _ in self._words(block):
                yield word.decode("utf-8")

    def _words(self, block: int) -> Iterator[tuple[bytes, int]]:
        """The words of a block, and where their pronunciations are."""
        position, previous = self._blocks[block], b""
        last = block + 1 == len(self._blocks)
        end = len(self._data) if last else self._blocks[block + 1]
        while position < end:
            shared, size = self._data[position : position + 2]
            position += 2
            previous = previous[:shared] + self._data[position : position + size]
            position += size
            yield previous, position
            position = self._pronunciations(position)[1]

    def _pronunciations(self, position: int) -> tuple[tuple[tuple[str, ...], ...], int]:
        count, position = self._data[position], position + 1
        found = []
        for _ in range(count):
            size = self._data[position]
            sounds = self._data[position + 1 : position + 1 + size]
            found.append(tuple(self._phonemes[sound] for sound in sounds))
            position += 1 + size
        return tuple(found), position
