"""Result folders and documents."""
