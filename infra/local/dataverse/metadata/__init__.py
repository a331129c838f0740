"""What the service tells about its tables: EntityDefinitions, the CSDL, the service document."""
