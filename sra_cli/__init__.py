"""The command line of SRA."""
