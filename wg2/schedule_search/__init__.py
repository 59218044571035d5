"""Finding noise schedules of few steps for a voice."""
