"""The voice and the records that evaluation is tested with."""

from tests.evaluation.conftest import records, voice_dir

__all__ = ["records", "voice_dir"]
