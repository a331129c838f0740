"""Entry of the Azure Functions app: wires the services once and registers the triggers."""

import os

import azure.functions as func

from functions import BLUEPRINTS, OPERATIONS
from functions.api.blueprint import api_blueprint
from shared.bootstrap import access_from, connections_from

app = func.FunctionApp()
_connections = connections_from(os.environ)
for _blueprint in BLUEPRINTS:
    app.register_functions(_blueprint(_connections))
app.register_functions(api_blueprint(OPERATIONS, _connections, access_from(os.environ)))
