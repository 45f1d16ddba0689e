"""The command line, thin: parse, call runs or diff, print."""
