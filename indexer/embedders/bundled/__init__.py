"""The model that comes with Semblance: its towers, its weights and how they were trained."""
