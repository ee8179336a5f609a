"""Accelerator families, one a file: from a few parameters to a full `Accelerator` record."""
