"""The main job, shown on this machine: a client, a simulated gateway, and real HTTP between them."""
