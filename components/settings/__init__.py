"""Stack config, read once: the models are the schema, `reading` is the only reader."""
