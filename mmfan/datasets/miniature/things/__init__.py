"""What is drawn: people, vehicles, houses, plants."""
