"""From a raw corpus to packed token rows: pure functions, then thin Beam transforms over them."""
