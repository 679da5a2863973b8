"""The front door: one short file per command. Parse, call, show; nothing heavy is imported before it is needed."""
