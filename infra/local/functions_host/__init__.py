"""A local Azure Functions host: runs a real `function_app.py` for HTTP, timers and Service Bus queues.

The app is indexed and called by Microsoft's own Python worker library, so decorators, bindings and message classes are
the real ones. This package adds what the .NET host adds around it: routes, keys, schedules, queue pumps, time limits.
It reads `host.json` and `local.settings.json` and nothing else, so `func start` runs the same app.

    python -m infra.local.functions_host --app DIRECTORY
"""
