"""A Service Bus broker for one machine: queues over AMQP 1.0, spoken well enough for the real azure-servicebus SDK.

Layers, each knowing only those before it:

    codec       AMQP 1.0 types to bytes and back
    frames      frames and performatives
    messages    the sections of a message
    config      the official emulator's JSON
    entities    messages in a queue, their locks, the locks of sessions
    agenda      due times, and what was seen lately
    queue       what a queue does (locks, sessions, schedules, duplicates, dead letters); pure, with a given clock
    tokens      shared access signatures
    requests    requests and replies over a pair of links
    management  the operations on a queue that are requested so
    keeping     what the queues hold, as a file
    broker      the queues of one namespace, their one timer, and who waits for which message
    links       what all links have in common; incoming and outgoing are the kinds of them
    channel     an AMQP session with its links
    connection  a client's connection with its channels
    server      listening, in a loop or on a thread of its own
"""
