"""Who asks: found out by the API key, and what that allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from infra.settings import Settings
from worker.http.desk import Desk
from worker.http.problems import Refusal

COOKIE = "pageline_key"
_SCHEMES = ("bearer", "token")  # PaddleX's hosted service says `token`


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks.

    Attributes:
        name: What their key is called.
        tenant: Whose documents they may see; None for everybody's.
    """

    name: str
    tenant: str | None

    def may_see(self, tenant: str) -> bool:
        """Say whether a tenant's documents are there for them."""
        return self.tenant in (None, tenant)

    def acting_for(self, asked: str | None, settings: Settings) -> str:
        """Return the tenant whose document they bring. Raises `Refusal`."""
        if self.tenant is not None:
            if asked not in (None, self.tenant):
                raise Refusal(403, f"This key brings documents of the tenant {self.tenant} alone.")
            return self.tenant
        tenant = settings.tenants[0] if asked is None and len(settings.tenants) == 1 else asked or "default"
        if tenant not in settings.tenants:
            raise Refusal(403, "There is no such tenant: name one that the service knows.", kind="no-tenant")
        return tenant


async def desk_of(request: Request) -> Desk:
    """Return the desk of the service that was asked; a coroutine, since others are called in a thread."""
    desk: Desk = request.app.state.desk
    return desk


async def caller_of(request: Request) -> Caller:
    """Return who asks. Raises `Refusal` with 401."""
    desk = await desk_of(request)
    if not desk.keys.required:
        return Caller("anybody", None)
    shown = _shown(request)
    found = desk.keys.find(shown) if shown else None
    if found is None:
        detail = "The API key is wrong." if shown else "An API key is needed: Authorization: Bearer KEY."
        raise Refusal(401, detail, headers={"WWW-Authenticate": 'Bearer realm="pageline"'})
    return Caller(found.name, found.tenant)


async def overseer_of(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
    """Return who asks, if they may see everybody's. Raises `Refusal`."""
    if caller.tenant is not None:
        raise Refusal(403, "This key is for one tenant; what is asked for concerns all.")
    return caller


def _shown(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() in _SCHEMES:
        return value.strip()
    return request.headers.get("x-api-key") or request.cookies.get(COOKIE) or ""


CallerIs = Annotated[Caller, Depends(caller_of)]
DeskIs = Annotated[Desk, Depends(desk_of)]
