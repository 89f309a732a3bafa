"""How busy components are: queues, limits, retries, breakers, autoscalers; from demand and incidents to conditions."""
