"""What can go wrong outside the program, as one tree.

    InfraError
    ├── SettingsError            a setting is missing, unknown or contradicts another
    ├── BrokerUnavailable        Redis or Valkey does not answer (retryable)
    ├── BrokerUnsuitable         it answers, but must not be used: it would evict state, or is too old
    ├── ServiceError             an embedded service does not start or stop
    ├── MetricsUntold            those who collect metrics could not be told them (retryable)
    ├── InvalidEvent             what was received is no storage event of any shape that is known
    ├── NotifyError              a target was not told of a document's end
    │   ├── TargetRefused        it must not be told, cannot be, or wants no more: no later try would help
    │   ├── TargetFailed         it answered that it could not take it (retryable)
    │   └── TargetUnreachable    it could not be reached or did not answer in time (retryable)
    └── StorageError             a storage operation failed, and trying again would not help
        ├── InvalidLocation      a URL or path that names no storage
        ├── InvalidKey           a key that this storage cannot or must not hold
        ├── NotFound             no such object, version or bucket
        ├── AlreadyExists        create-only was asked for, and somebody was first
        ├── PreconditionFailed   the object is not the one that was to be replaced
        ├── Changed              the object is no longer the version that was asked for
        ├── AccessDenied         credentials or permissions do not suffice
        └── StorageUnavailable   time-outs, throttling, server errors, a full disk (retryable)

Callers branch on the class or on its attributes, never on the words of a message.
"""

# ruff: noqa: N818  -- the classes are named for what happened, as `except NotFound` reads best
from __future__ import annotations

from typing import ClassVar


class InfraError(Exception):
    """Base of all errors of `infra`.

    `str(error)` is one sentence for operators; it may name buckets, keys and hosts, never a secret.

    Attributes:
        retryable: The same call may succeed later without anybody changing anything.
        public: One sentence for whoever uploaded the document; it names no host, bucket or path.
    """

    retryable: ClassVar[bool] = False
    public: ClassVar[str] = "An internal error occurred."


class SettingsError(InfraError):
    """A setting is missing, unknown, or contradicts another one."""

    public: ClassVar[str] = "The service is not set up correctly."


class BrokerUnavailable(InfraError):
    """Redis or Valkey cannot be reached or does not answer in time."""

    retryable: ClassVar[bool] = True
    public: ClassVar[str] = "The queue is unavailable at the moment."


class BrokerUnsuitable(InfraError):
    """Redis or Valkey answers, but its settings or version would lose state."""

    public: ClassVar[str] = "The service is not set up correctly."


class ServiceError(InfraError):
    """An embedded service could not be started or stopped."""

    public: ClassVar[str] = "The service is not available."


class MetricsUntold(InfraError):
    """A collector of metrics refused them, or could not be reached."""

    retryable: ClassVar[bool] = True


class NotifyError(InfraError):
    """A target was not told of a document's end."""

    public: ClassVar[str] = "The message about the document could not be delivered."


class TargetRefused(NotifyError):
    """A target that must not or cannot be told, or that wants to be told nothing more."""


class TargetFailed(NotifyError):
    """A target answered, and has not taken the message."""

    retryable: ClassVar[bool] = True


class TargetUnreachable(NotifyError):
    """A target could not be reached, or gave no answer in time: others for it would fare no better."""

    retryable: ClassVar[bool] = True


class InvalidEvent(InfraError):
    """What was received is no storage event, or one of a version that is not understood."""

    public: ClassVar[str] = "The event is not understood."


class StorageError(InfraError):
    """A storage operation failed for good."""

    public: ClassVar[str] = "The storage refused an operation."


class InvalidLocation(StorageError):
    """A text is neither an `s3://` or `file://` URL nor a path."""

    public: ClassVar[str] = "The location is not valid."


class InvalidKey(StorageError):
    """A key leaves its root, is too long, or cannot exist in this storage."""

    public: ClassVar[str] = "The document's name cannot be stored."


class NotFound(StorageError):
    """There is no such object, version or bucket."""

    public: ClassVar[str] = "The document was not found."


class AlreadyExists(StorageError):
    """The object to be created exists; the one that is there stays as it is."""

    public: ClassVar[str] = "The object exists already."


class PreconditionFailed(StorageError):
    """The object to be replaced is another one than expected; it stays as it is."""

    public: ClassVar[str] = "The object was changed by somebody else."


class Changed(StorageError):
    """The object is no longer the one whose version or ETag was given."""

    public: ClassVar[str] = "The document was replaced before it was read."


class AccessDenied(StorageError):
    """Credentials are missing or wrong, or permissions do not suffice."""

    public: ClassVar[str] = "Access to the document was denied."


class StorageUnavailable(StorageError):
    """The storage cannot be reached, is overloaded or full; a later try may succeed."""

    retryable: ClassVar[bool] = True
    public: ClassVar[str] = "The storage is unavailable at the moment."
