"""Identity of a run: hashes of its model, weights, pictures, truth and metric."""
