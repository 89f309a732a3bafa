"""People: who is woken, how fast they answer, what they work on."""
