<<<<<<< HEAD
"""A voice as a SavedModel: export, verification, a local server, and a client."""
=======
"""From a voice to what serves it: SavedModel, server, client."""
>>>>>>> cfc4531b4f966cf8d2bb72d7f9d47abfa9947cf5
