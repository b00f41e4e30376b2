"""Calibration of predictions: how sure a model is beside how often it is right, of arrays and on the device."""
