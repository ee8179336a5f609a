"""Published spaces of accelerators, one a file."""
