"""Your path: chapters, exercises, quiz and report."""
