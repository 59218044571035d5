"""Speed, as ratios to references that are measured interleaved in the same run."""
