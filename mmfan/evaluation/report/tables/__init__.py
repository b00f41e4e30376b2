"""Tables of a report, before any format, and the words and rounded numbers in them."""
