"""What every spec and every snapshot has, and what several of them share."""
