"""Command of the localization node: `ros2 run bpnp_ros localization`."""

from bpnp_ros.nodes.runner import node_command

main = node_command("bpnp_ros.nodes.localization_node", "LocalizationNode")

if __name__ == "__main__":
    main()
