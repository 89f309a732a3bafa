"""What the teams change: deployments and all that is planned."""
