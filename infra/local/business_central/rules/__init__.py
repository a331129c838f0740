"""What the application does when a record is entered, changed, renamed or deleted, per table."""
