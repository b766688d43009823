"""The blind-PnP benchmark: problems out of real scenes, methods side by side, the page of both."""
