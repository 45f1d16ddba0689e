"""The pytest plugin: the fixture for calls, and scenario files collected as tests."""
