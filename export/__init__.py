"""From a voice to what serves it: SavedModel, server, client."""
