"""Using a trained model: loading it, generating with it, scoring with it."""
