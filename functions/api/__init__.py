"""The frame of all HTTP functions: each is declared once, and everything else follows from the declaration.

`operation` declares one; `blueprint` registers it; `answering` checks who asks, reads, calls and answers; `openapi`
describes it.
"""
