"""Numbers of the changes of cues that settings and changes share; apart, for settings need none of their code."""

BLOCK, LEAST_BLOCK = 32, 4  # pixels
SIGMA = 16.0  # pixels
LEAST_AREA = 1024  # pixels of a segment that is swapped
COLOURS, CONTEXTS = ("donor", "keep"), ("keep", "grey")
