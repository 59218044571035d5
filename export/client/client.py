"""`Client`: text of any length to sound, by a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from export.client import windows
from export.client.errors import SentenceError, ServerError
from export.client.ordered import ordered
from export.client.pieces import (
    Gap,
    Piece,
    longest_piece_bytes,
    piece_seed,
    silence,
    split_text,
)
from export.client.retries import Retries
from export.client.transport import Connection, Version, address, connect
from export.client.voice import Encoded, Settings, Voice

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Stream:
    """Sound that is still being made: iterate over it once, or `close` it early.

    Args:
        sample_rate_hz: int.
        chunks: Iterator of float32 `(samples,)`, to be played one after the other.
    """

    sample_rate_hz: int
    chunks: Iterator[np.ndarray]

    def __iter__(self) -> Iterator[np.ndarray]:
        return self.chunks

    def close(self) -> None:
        self.chunks.close()


class Client:
    """Speaks by a wg2 export on a TensorFlow model server.

    with Client("localhost:8500", model="slt") as client:
        audio, sample_rate_hz = client.speak("Hello world.")

    Args:
        server: "host:port"; without a port, 8500, or 8501 with `rest`.
        model: Name that the server knows the model by.
        version, label: int or str, at most one; neither: the newest.
        rest: bool, REST instead of gRPC.
        tls: bool; `ca_file`: certificates to trust instead of the public ones.
        timeout_seconds: float, for each attempt at a request.
        retries: int, attempts after the first where the server is unavailable.
        in_flight: int, requests at a time.
        pause_seconds: float >= 0, silence between sentences; 2.5 times as much between
            paragraphs.
    Raises:
        ValueError, FileNotFoundError: Arguments without sense. Nothing is sent yet.
    """

    def __init__(
        self,
        server: str = "localhost",
        *,
        model: str = "default",
        version: int | None = None,
        label: str | None = None,
        rest: bool = False,
        tls: bool = False,
        ca_file: str | Path | None = None,
        timeout_seconds: float = 120.0,
        retries: int = 4,
        in_flight: int = 4,
        pause_seconds: float = 0.25,
    ):
        if version is not None and label is not None:
            raise ValueError("a version or a label, not both")
        if version is not None and not 0 <= version < 2**63:
            raise ValueError(f"no version of a model. Received: {version=}")
        if in_flight < 1:
            raise ValueError(f"in_flight must be at least 1. Received: {in_flight}")
        if not 0 <= pause_seconds <= 60:
            raise ValueError(
                f"a pause must lie in 0..60 seconds. Received: {pause_seconds}"
            )
        self.server = address(server, 8501 if rest else 8500)
        self.model = model
        self._asked = Version(version, label)
        self._in_flight = in_flight
        self._pause_seconds = pause_seconds
        connection = Connection(
            self.server,
            model,
            timeout_seconds,
            Retries(retries),
            tls,
            Path(ca_file) if ca_file else None,
        )
        self._transport = connect(connection, rest)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections."""
        self._transport.close()

    def status(self) -> list[tuple[int, str, str]]:
        """Version, state (such as "AVAILABLE") and message of each known version."""
        return self._transport.status()

    def speak(self, text: str, **settings) -> tuple[np.ndarray, int]:
        """Sound of a text.

        Args:
            text: str of any length; a blank line ends a paragraph.
            settings: `steps`, `seed`, `length_scale`, `speaker`; see `Settings`. With
                none, the signature `wav` is used, whose sound has 16 bits.
        Returns:
            float32 `(samples,)`, full scale = 1, and the sample rate in Hz.
        Raises:
            ServerError: No such server or model.
            SentenceError: A sentence that could not be spoken. None is left out.
            ValueError: No text, bad settings, or a model that is no wg2 export.
        """
        chosen = Settings(**settings)
        pieces = split_text(text, longest_piece_bytes(chosen.length_scale or 1.0))
        voice = self._voice(chosen, prepare=not chosen.is_default())
        jobs = (
            partial(_naming, piece, partial(voice.speak, piece.text, seed))
            for piece, seed in _seeded(pieces, chosen)
        )
        sounds = []
        for piece, (audio, rate) in zip(
            pieces, ordered(jobs, self._in_flight), strict=True
        ):
            sounds += [silence(piece.gap, self._pause_seconds, rate), audio]
            sample_rate_hz = rate
        return np.concatenate(sounds), sample_rate_hz

    def stream(self, text: str, **settings) -> Stream:
        """Sound of a text, the first of it early.

        Args, Raises: As `speak`; errors of later sentences come with the iteration.

        Returns:
            `Stream`. Its chunks joined are the sound that `speak` gives with a seed.
        """
        chosen = Settings(**settings)
        pieces = split_text(text, longest_piece_bytes(chosen.length_scale or 1.0))
        voice = self._voice(chosen)
        first = _naming(pieces[0], partial(voice.encode, pieces[0].text))
        jobs = self._stream_jobs(voice, pieces, first)
        chunks = ordered(jobs, self._in_flight)
        return Stream(first.facts.sample_rate_hz, chunks)

    def _stream_jobs(
        self, voice: Voice, pieces: list[Piece], first: Encoded
    ) -> Iterator[Callable[[], np.ndarray]]:
        first_seconds = windows.FIRST_SECONDS
        for piece, seed in _seeded(pieces, voice.settings):
            if piece is pieces[0]:
                encoded = first
            else:
                encoded = _naming(piece, partial(voice.encode, piece.text))
            facts = encoded.facts
            rate_hz = facts.sample_rate_hz
            if piece.gap is not Gap.NOTHING and self._pause_seconds:
                yield partial(silence, piece.gap, self._pause_seconds, rate_hz)
            per_second = rate_hz / facts.samples_per_frame
            steps = voice.settings.steps or facts.default_num_steps
            for window in windows.plan_windows(
                encoded.num_frames,
                first_frames=max(1, round(first_seconds * per_second)),
                longest_frames=max(1, round(windows.LONGEST_SECONDS * per_second)),
                margin_frames=facts.margin_frames_per_step * steps,
            ):
                decode = partial(voice.decode, encoded, window, seed)
                yield partial(_naming, piece, decode)
                # They go on growing: what was sent is being played meanwhile.
                first_seconds = 2 * window.num_frames / per_second

    def _voice(self, settings: Settings, prepare: bool = False) -> Voice:
        where = f"model {self.model!r} at {self.server}"
        try:
            voice = Voice(self._transport, settings, self._asked)
            if prepare:
                voice.get_facts()
            return voice
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        except ServerError as error:
            message = f"{where}: {error.message}{self._versions(error)}"
            raise ServerError(error.code, message) from None

    def _versions(self, error: ServerError) -> str:
        """What the server has of a model that it does not find."""
        if error.code != "NOT_FOUND":
            return ""
        try:
            known = [f"{number} {state}" for number, state, _ in self.status()]
        except ServerError:
            return "; the server knows no model of this name"
        return f"; its versions: {', '.join(known)}"


def _seeded(pieces: list[Piece], settings: Settings) -> Iterator[tuple[Piece, int]]:
    for number, piece in enumerate(pieces):
        yield piece, piece_seed(settings.seed or 0, number)


def _naming(piece: Piece, request: Callable[[], Result]) -> Result:
    """`request()`; an error says of which sentence it is."""
    try:
        return request()
    except ServerError as error:
        raise SentenceError(piece.sentence, piece.text, error) from None
