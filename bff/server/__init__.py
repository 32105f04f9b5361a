"""What every HTTP request meets before it means something."""
