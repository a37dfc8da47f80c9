"""Runs jobs in this process, on its one device."""
