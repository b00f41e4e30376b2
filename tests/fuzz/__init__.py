"""A seeded fuzzer of every door through which files, configs and names come in; ``make fuzz`` runs it."""
