"""Where the app keeps what it must remember: one module per kind of document, over the StateStore port.

Every stored body carries `version`; an older one is upgraded when read, a newer one is refused (`documents.opened`).
"""
