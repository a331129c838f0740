"""Entry of the Azure Functions app: wires the services once and registers the triggers."""

import os

import azure.functions as func

from functions import BLUEPRINTS
from shared.bootstrap import services_from

app = func.FunctionApp()
_services = services_from(os.environ)
for _blueprint in BLUEPRINTS:
    app.register_functions(_blueprint(_services))
