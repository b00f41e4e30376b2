"""How a model computes while it is judged: precision, sliding windows, compiled or not."""
