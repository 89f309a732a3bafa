"""How requests fare on their way through components, as densities of time."""
