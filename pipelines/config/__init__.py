"""A pipeline's configuration: its keys, its files and the options of a call."""
