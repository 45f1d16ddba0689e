"""A phone line for tests: real audio frames into a session and out of it, with no device."""
