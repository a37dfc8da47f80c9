"""Why?: saliency maps and their test of faithfulness."""
