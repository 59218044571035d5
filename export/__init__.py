"""A voice as a SavedModel: export, verification, a local server, and a client."""
