"""What designs and networks are there?"""
