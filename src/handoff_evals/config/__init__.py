"""`[tool.handoff-evals]` in a project's `pyproject.toml`."""

from handoff_evals.config.project import ModelConfig, ProjectConfig, read_config

__all__ = ["ModelConfig", "ProjectConfig", "read_config"]
