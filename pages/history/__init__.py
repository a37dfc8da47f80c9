"""From VGG to today."""
