"""Writes the pages of docs/ that follow from the code and its data, so that they cannot tell anything else.

`python -m infra.local.reference` writes them; a test fails when one is not what it would write.
"""
