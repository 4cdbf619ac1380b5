"""GPT-2 in TensorFlow: the model, its checkpoints, training, generation and export."""
