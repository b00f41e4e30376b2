"""The painter: camera, canvas, light."""
