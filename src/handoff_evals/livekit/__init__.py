"""Everything that knows livekit; nothing outside this package does."""
