from __future__ import annotations

import socket

from worker.stack.ports import all_free, free_ports


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all_free(ports)


def test_a_port_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert taken not in free_ports(20)
        assert not all_free([*free_ports(2), taken])
    assert all_free([taken])
