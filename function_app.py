"""Entry of the Azure Functions app: wires the services once and registers the triggers."""

import os

import azure.functions as func

from functions import BLUEPRINTS, OPERATIONS
from functions.api.blueprint import api_blueprint
from shared.bootstrap import access_from, services_from

app = func.FunctionApp()
_services = services_from(os.environ)
for _blueprint in BLUEPRINTS:
    app.register_functions(_blueprint(_services))
app.register_functions(api_blueprint(OPERATIONS, _services, access_from(os.environ)))
