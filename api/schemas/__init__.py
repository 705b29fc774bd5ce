"""The JSON that travels, as types. Each answer's `of` says how it comes from the engine's words."""
