"""Which mappings are there, and what does each demand of a design?"""
