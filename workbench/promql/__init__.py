"""PromQL over telemetry, all instants at once."""
