"""Run a campaign as job arrays on a SLURM cluster."""
