"""How a model is kept in memory: what the machine has, and the plan that fits it."""
