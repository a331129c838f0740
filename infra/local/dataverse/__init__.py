"""A simulator of the Dataverse Web API: it serves, and refuses, what the service does, out of SQLite."""
