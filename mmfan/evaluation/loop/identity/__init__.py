"""What a run is of: hashes of its model, weights, pictures, truth and metric."""
