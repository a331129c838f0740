"""A simulator of the Business Central API v2.0: one company in SQLite behind the API's own rules, refusals and quirks.

url + "/api/v2.0"                                                    the API root
url + "/v2.0/{tenant}/{environment}/api/v2.0"                        the same, as in the cloud
url + "/{tenant}/oauth2/v2.0/token"                                  tokens
url + "/_simulator/seed|rows|edit|settings|faults|stats|reset"       the control plane
"""
