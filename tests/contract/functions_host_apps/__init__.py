"""Small apps for the tests of the local Functions host, and how the tests start them."""
