"""Reading attention out of models."""
