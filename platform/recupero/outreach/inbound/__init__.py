"""What comes back over channels: stored once at the door, worked by jobs, read and answered by people."""
