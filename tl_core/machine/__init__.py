"""The machine the lab runs on: cores, threads, device, memory, files, addresses."""
