"""Schools of burn-rate alerts, one file each; `alerts.preset_registry` finds them."""
