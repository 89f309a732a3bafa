"""The simulated world: traffic, incidents, deployments, people."""
