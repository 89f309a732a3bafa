"""Pure decisions: from alert transitions to commands."""
