"""Records: what they are, how they are written, which are copies of one another."""
