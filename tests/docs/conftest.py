"""The project of the pages is no test of the harness."""

collect_ignore = ["project"]
