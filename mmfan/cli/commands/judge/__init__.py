"""The command that judges, in three forms: a config, a network in ONNX's format, a classifier."""
