"""Every parameter, declared once: the nodes, YAML, launch, replay and documentation follow."""
