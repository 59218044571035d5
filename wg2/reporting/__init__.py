"""Pages of results: elements, style, figures, players."""
