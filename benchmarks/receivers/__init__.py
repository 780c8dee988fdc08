"""Those who take callbacks, ours and others, a module for each; what is posted to them, and the process they run in."""
