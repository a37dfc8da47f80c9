"""The job that brings weights or a data set to the machine."""
