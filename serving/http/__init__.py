"""A model over HTTP: OpenAI's completions, TensorFlow Serving's predictions, and what a server is watched by."""
