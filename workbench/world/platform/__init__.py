"""What the system exports besides requests: checks, media jobs, support, visits, features, resources."""
