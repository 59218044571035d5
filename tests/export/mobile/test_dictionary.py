"""The dictionary's binary form: what goes in comes out, and damage is named."""

import numpy as np
import pytest

from export.mobile.dictionary import Dictionary, to_bytes

PHONEMES = ("AA1", "B", "CH", "ZH")


def write(path, words):
    path.write_bytes(to_bytes(words, PHONEMES))
    return Dictionary(path)


def random_words(count, seed):
    generator = np.random.default_rng(seed)
    letters = list("aab'éz")  # few letters: long common beginnings
    words = {}
    while len(words) < count:
        word = "".join(generator.choice(letters, generator.integers(1, 9)))
        words[word] = tuple(
            tuple(generator.choice(PHONEMES, generator.integers(1, 6)).tolist())
            for _ in range(generator.integers(1, 4))
        )
    return words


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 33, 500])
def test_words_come_back(tmp_path, count):
    words = random_words(count, count)
    dictionary = write(tmp_path / "d.bin", words)
    assert dictionary.num_words == count
    assert list(dictionary) == sorted(words, key=lambda word: word.encode())
    for word, pronunciations in words.items():
        assert dictionary.get(word) == pronunciations


def test_what_is_not_there_is_not_found(tmp_path):
    words = random_words(200, 1)
    dictionary = write(tmp_path / "d.bin", words)
    for word in random_words(2000, 2):
        assert (dictionary.get(word) != ()) == (word in words)
    assert dictionary.get("") == ()
    assert dictionary.get("\U0010ffff") == ()


def test_layout_is_the_documented_one(tmp_path):
    """Byte by byte, as a reader in another language has it."""
    words = {"ab": (("B",), ("AA1", "ZH")), "abc": (("CH",),)}
    assert to_bytes(words, PHONEMES) == (
        b"WG2DICT1"
        + (2).to_bytes(4, "little")
        + (1).to_bytes(4, "little")
        + (11).to_bytes(4, "little")
        + b"AA1 B CH ZH"
        + (0).to_bytes(4, "little")
        + b"\x00\x02ab\x02\x01\x01\x02\x00\x03"
        + b"\x02\x01c\x01\x01\x02"
    )


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "d.bin"
    path.write_bytes(b"RIFF")
    with pytest.raises(ValueError, match=r"d\.bin is no dictionary"):
        Dictionary(path)
    path.write_bytes(to_bytes(random_words(100, 0), PHONEMES)[:40])
    with pytest.raises(ValueError, match=r"d\.bin is incomplete"):
        Dictionary(path)
    with pytest.raises(FileNotFoundError):
        Dictionary(tmp_path / "none.bin")


def test_words_beyond_the_format_are_refused():
    with pytest.raises(ValueError, match="too long"):
        to_bytes({"a" * 300: (("B",),)}, PHONEMES)
    with pytest.raises(ValueError, match="too long"):
        to_bytes({"a": (("B",) * 300,)}, PHONEMES)
