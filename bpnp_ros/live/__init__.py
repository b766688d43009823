"""A command at the other end of the wire to a localization node."""
