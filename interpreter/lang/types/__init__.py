"""What values of each type offer after a dot."""
