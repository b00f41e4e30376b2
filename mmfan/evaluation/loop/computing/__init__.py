"""Computing of a model while it is judged: precision, sliding windows, compiled or not."""
