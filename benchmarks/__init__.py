"""Speed and memory, measured as ratios against named references."""

import os

# TensorFlow's notes at start-up, which come while it is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
