"""What several test modules share: tiny models and sets, golden arrays, reference implementations."""
