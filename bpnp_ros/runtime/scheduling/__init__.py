"""What is done when: one worker thread, and the keypoints that wait for it."""
