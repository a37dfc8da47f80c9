"""What a page or a command can ask of the lab: one small class for each of its five nouns."""
