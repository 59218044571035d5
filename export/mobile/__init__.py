"""A voice for phones: flat files for LiteRT, and what a program around them needs."""
