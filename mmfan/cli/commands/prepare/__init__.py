"""Commands that bring sets of others into the form that is read here."""
