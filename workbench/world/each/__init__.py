"""The same world at the level of single requests: each one is a simpy process. For short horizons."""
