"""Command of the point map server: `ros2 run bpnp_ros point_map_server`."""

from bpnp_ros.nodes.runner import node_command

main = node_command("bpnp_ros.nodes.point_map_server_node", "PointMapServer")

if __name__ == "__main__":
    main()
