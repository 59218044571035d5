"""Sound files of a corpus -> mono samples at the config's rate."""
