"""Two versions of the agents, each in a process of its own, held against each other."""
