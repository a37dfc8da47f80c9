"""The file formats of photographs: what is read of each before Pillow decodes it."""
