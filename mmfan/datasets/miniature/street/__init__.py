"""The plan of a street: where houses, vehicles and people stand."""
