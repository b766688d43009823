"""Command of the keypoint detector: `ros2 run bpnp_ros keypoint_detector`."""

from bpnp_ros.nodes.runner import node_command

main = node_command("bpnp_ros.nodes.keypoint_detector_node", "KeypointDetector")

if __name__ == "__main__":
    main()
