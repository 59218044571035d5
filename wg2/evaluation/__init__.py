"""How well a voice speaks, measured against held-out recordings."""
