"""Client of a wg2 export on a TensorFlow model server; needs no TensorFlow."""

from export.client.client import Client, Stream
from export.client.errors import SentenceError, ServerError

__all__ = ["Client", "SentenceError", "ServerError", "Stream"]
