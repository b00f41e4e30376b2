"""Things on the street: people, vehicles, houses, plants."""
