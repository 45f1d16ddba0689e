"""Names made into objects: the only place that knows every part."""
