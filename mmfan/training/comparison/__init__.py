"""Class scores of one model on two forms of a picture: which they are, and how far they are apart."""
