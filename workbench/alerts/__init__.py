"""Alert rules, their states, their timeline."""
