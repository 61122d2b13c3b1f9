"""Inference engines behind one small interface (`base.Engine`): arrays in, arrays out."""
