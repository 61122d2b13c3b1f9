"""Searchable PDF: the source's pages, and over those that are pictures the text that was read in them."""
