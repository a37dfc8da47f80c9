"""What a network answers about a photograph."""
