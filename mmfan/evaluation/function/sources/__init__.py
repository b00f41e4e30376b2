"""Sources of the judged: folders and files as items with their truth, by kind of truth."""
