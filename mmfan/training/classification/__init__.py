"""Training of classifiers: the model around a network, mixing of pictures, token labels."""
