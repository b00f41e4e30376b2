"""Core of judging: the cells of a protocol, one after another, of any model. Needs neither torch nor OpenMMLab."""
