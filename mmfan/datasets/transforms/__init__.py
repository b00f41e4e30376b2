"""Steps of a data pipeline."""
