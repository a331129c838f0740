"""What people fill in and what they are answered, as types: one module per dialog of Business Central.

The use cases take and return them, the HTTP functions validate and describe themselves with them.
"""
