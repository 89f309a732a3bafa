"""What checks of rule files share: expressions with their places, ranges of values, labels, and the shapes of burn-rate alerts."""
