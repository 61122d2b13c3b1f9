"""A broker that dies before it hears of a message's end costs the worker no place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kombu import Connection, Message
from services import require

from worker.acknowledging import give_places_back
from worker.stack.valkey import start_valkey, valkey_binary

ENDS: dict[str, Callable[[Message], None]] = {
    "ack": Message.ack,
    "reject": Message.reject,
    "requeue": Message.requeue,
}


@pytest.mark.parametrize("end", ENDS)
def test_a_place_is_free_again_though_the_broker_died_before_the_acknowledgement(
    tmp_path: Path, end: str
) -> None:
    require(valkey_binary)
    give_places_back()
    server = start_valkey(tmp_path / "broker")
    with Connection(server.broker_url) as connection:
        channel = connection.channel()
        queue = connection.SimpleQueue("work", channel=channel)
        channel.basic_qos(0, 1, False)
        queue.put("a page")
        message = queue.get(timeout=10)
        assert not channel.qos.can_consume()
        server.stop()
        with pytest.raises(connection.connection_errors):
            ENDS[end](message)
        assert channel.qos.can_consume()
