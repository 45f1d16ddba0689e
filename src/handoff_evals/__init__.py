"""Behaviour tests and evaluations for agent handoffs in LiveKit Agents."""
