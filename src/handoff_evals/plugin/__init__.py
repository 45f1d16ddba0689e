"""The pytest plugin: the fixture `call`, and scenario files collected as tests."""
