"""Which accelerator should we build, and how few evaluations does it take to know?"""
