"""Sends an event to a target of whatever kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from infra.errors import SettingsError, TargetFailed
from infra.notify.connecting import Address
from infra.notify.message import Message
from infra.notify.settings import NotifySettings
from infra.notify.stream import Streams
from infra.notify.targets import Kind, Target
from infra.notify.webhook import post
from infra.secrets import read_secret


class Sender:
    """Sends events; safe to use from several threads at once.

    Args:
        notify: For time-outs.
        streams: Where Redis streams are.
    """

    def __init__(self, notify: NotifySettings, streams: Streams) -> None:
        self._notify = notify
        self._streams = streams

    def send(
        self,
        target: Target,
        message: Message,
        *,
        secrets: Sequence[str] = (),
        permitted: Callable[[Address], bool] | None = None,
    ) -> None:
        """Send an event.

        Args:
            target: To whom.
            message: What.
            secrets: References to what a webhook is signed with.
            permitted: Says which addresses a webhook may connect to; None for all.

        Raises:
            TargetRefused, TargetFailed, TargetUnreachable.
        """
        if target.kind in (Kind.HTTP, Kind.HTTPS):
            post(
                target,
                message,
                _read(secrets),
                permitted=permitted or _all,
                timeout_seconds=self._notify.timeout_seconds,
            )
        elif target.kind is Kind.STREAM:
            self._streams.send(target, message)
        else:
            from infra.notify.aws import hand_over  # noqa: PLC0415  -- boto3 takes 0.2 s: only its users load it

            hand_over(target, message, timeout_seconds=self._notify.timeout_seconds)


def _read(references: Sequence[str]) -> list[str]:
    try:
        return [read_secret(reference) for reference in references]
    except SettingsError as error:  # it may be there by the next try
        raise TargetFailed(f"it cannot be signed: {error}") from error


def _all(_: Address) -> bool:
    return True
