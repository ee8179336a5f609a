"""Networks and the accelerators that run them, designed together. Importing this package loads no torch."""
