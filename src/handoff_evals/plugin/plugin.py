"""The pytest plugin's entry point: it costs nothing until a test uses it."""
