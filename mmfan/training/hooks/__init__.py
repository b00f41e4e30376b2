"""Hooks of training: features and amplitudes changed within the network, and a note of what the training shows."""
