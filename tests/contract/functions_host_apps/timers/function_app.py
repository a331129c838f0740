"""Timer functions that log what they get; also an app without any HTTP function."""

import json
import logging

import azure.functions as func

app = func.FunctionApp()
_NEW_YEAR = "0 0 0 1 1 *"
_log = logging.getLogger("app")


@app.timer_trigger("timer", "%TICK_SCHEDULE%")
async def tick(timer: func.TimerRequest) -> None:
    _log.info("ticked")


@app.timer_trigger("timer", "0 */5 * * * *")
def monitored(timer: func.TimerRequest) -> None:
    _log.info("monitored past_due=%s status=%s", timer.past_due, json.dumps(timer.schedule_status))


@app.timer_trigger("timer", _NEW_YEAR, run_on_startup=True)
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
async def retried(timer: func.TimerRequest, context: func.Context) -> None:
    retry = context.retry_context
    _log.info("attempt %d of %d", retry.retry_count, retry.max_retry_count)
    raise RuntimeError("not yet")


@app.timer_trigger("timer", _NEW_YEAR, use_monitor=False)
async def by_hand(timer: func.TimerRequest) -> None:
    _log.info("by hand past_due=%s status=%s", timer.past_due, timer.schedule_status)


@app.timer_trigger("timer", _NEW_YEAR, run_on_startup=True)
async def disabled(timer: func.TimerRequest) -> None:
    _log.info("must not run")
