"""What a workspace holds that no kept run, pushed version or pinned model needs, and its removal."""
