"""Entry of the Azure Functions app: reads the settings and registers the triggers; what they need comes when called."""

import os

import azure.functions as func

from functions.api.blueprint import api_blueprint
from functions.jobs import jobs_blueprint
from functions.routes import ROUTES
from functions.timers import timers_blueprint
from shared.bootstrap import access_from, connections_from, schedule_from

app = func.FunctionApp()
_connections = connections_from(os.environ)
app.register_functions(timers_blueprint(_connections, schedule_from(os.environ)))
app.register_functions(jobs_blueprint(_connections))
app.register_functions(api_blueprint(ROUTES, _connections, access_from(os.environ)))
