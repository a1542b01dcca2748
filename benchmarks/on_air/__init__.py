"""What is on air, measured in Chromium: a whole night through every overlay, frame times, and append to pixels."""
