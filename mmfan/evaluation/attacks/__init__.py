"""Attacks on models of dense prediction: pictures changed by gradients, within a radius, so that the model fails.

Pure functions of torch; :mod:`.settings` needs not even that.
"""
