"""What the command line shows: the demo, live progress, the feature matrix."""
