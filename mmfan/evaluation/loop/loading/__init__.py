"""Pictures on their way to the model: names, decoded and corrupted in the loading processes, batches of all cells."""
