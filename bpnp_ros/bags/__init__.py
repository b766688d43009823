"""Recordings (rosbag2: sqlite3, mcap, compressed or not), read and written without ROS."""
