"""The message classes that the worker library asks its host for.

The library was written against generated protobuf classes, but it only constructs them by keyword and reads attributes.
Plain classes are therefore enough; no gRPC or protobuf package is needed. Field names are those of FunctionRpc.proto.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any


class Message(SimpleNamespace):
    """A message is what it was constructed with."""


class WorkerInitResponse(Message): ...


class WorkerMetadata(Message): ...


class RpcException(Message): ...


class FunctionMetadataResponse(Message): ...


class RpcFunctionMetadata(Message): ...


class RpcRetryOptions(Message): ...


class FunctionLoadResponse(Message): ...


class InvocationResponse(Message): ...


class RpcHttp(Message): ...


class ParameterBinding(Message): ...


class NullableString(Message): ...


class NullableBool(Message): ...


class NullableDouble(Message): ...


class NullableTimestamp(Message): ...


class Timestamp(Message): ...


class StatusResult(Message):
    Failure = 0
    Success = 1


class BindingInfo(Message):
    out = 1
    inout = 2
    undefined = 0
    string = 1
    binary = 2
    stream = 3


# `in` is a keyword, so it cannot be written in the class body.
setattr(BindingInfo, "in", 0)


class RpcHttpCookie(Message):
    SameSite = SimpleNamespace(**{"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})


class TypedData(Message):
    """A value and its kind: exactly one keyword, such as `TypedData(string="text")`."""

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        return next(iter(vars(self)), None)


class InputBinding(Message):
    """An input of an invocation: the parameter's name and its `TypedData`."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's name
        return "data"


def request(**named: Any) -> Message:
    """What the library's entry points take: `.request.<message name>` and `.properties`."""
    return Message(request=Message(**named), properties={"protos": sys.modules[__name__], "host": "127.0.0.1"})
