"""What the rows run: each takes a job as JSON and prints a JSON object in its last line."""
