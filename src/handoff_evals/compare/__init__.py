"""Two runs, and what can be said of the difference."""
