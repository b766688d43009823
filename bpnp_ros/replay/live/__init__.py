"""The same bag once more, through DDS, into a localization node in a process of its own."""
