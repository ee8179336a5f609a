"""Network and accelerator designed together. Importing this package loads no torch."""
