"""What a network answers about a camera's frames, while one moves it."""
