"""Jobs, their runners, and the scheduler that turns them fairly between visitors."""
