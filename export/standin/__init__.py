"""A stand-in for tensorflow_model_server, for machines without Docker."""
