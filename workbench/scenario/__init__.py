"""What a user writes: schema, reading with positions, merging."""
