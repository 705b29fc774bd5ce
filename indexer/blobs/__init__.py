"""Where original bytes are kept: a folder, or an object store. Both lay them out alike."""
