"""The lines that announcements wait in, one per tenant: all that whoever announces must know of Redis.

Imports nothing, since event handlers import it; `infra.status` has the rest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

INGEST = "ingest"
# Templates of keys, see `infra.status.keys`.
WAITING, RELEASED, TURNS = "waiting:%s", "released:%s", "turns"

ANNOUNCE = """
-- Put an announcement in its tenant's line. ARGV: names of the three keys, lane, announcement.
-- Returns what is to be sent at once: the first in line when nothing of the tenant's is out, or ''.
local waiting, released, turns, lane = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local time = redis.call('TIME')
local at = tonumber(time[1]) + tonumber(time[2]) / 1000000
redis.call('ZADD', turns, 'NX', 0, lane)
redis.call('ZADD', waiting, 'NX', at, ARGV[5])
if redis.call('ZCARD', released) > 0 then
  return ''
end
local first = redis.call('ZPOPMIN', waiting)[1]
redis.call('ZADD', released, at, first)
redis.call('ZADD', turns, at, lane)
return first
"""


def ingest_lane(tenant: str) -> str:
    """Name the lane of a tenant's announcements; they have no priority before they are looked at."""
    return f"{tenant}::{INGEST}"


def announcement(ref: Mapping[str, Any]) -> str:
    """Return an announcement as the text that stands for it in its line: the same one is in line once."""
    return json.dumps(ref, sort_keys=True, separators=(",", ":"))


def announce_arguments(prefix: str, tenant: str, text: str) -> list[str]:
    """Return the arguments of `ANNOUNCE`."""
    lane = ingest_lane(tenant)
    return [prefix + WAITING % lane, prefix + RELEASED % lane, prefix + TURNS, lane, text]
