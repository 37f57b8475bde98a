"""What is claimed about speed, as commands. Nobody imports these."""
