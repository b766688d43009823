"""Command of the map server: `ros2 run bpnp_ros map_server`."""

from bpnp_ros.nodes.runner import node_command

main = node_command("bpnp_ros.nodes.map_server_node", "MapServer")

if __name__ == "__main__":
    main()
