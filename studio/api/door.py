"""`/door`, `/login`, `/logout` and `/tokens`: who may come in, and where from."""

from __future__ import annotations

import io
import math
from typing import Annotated

import segno
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from studio.door.door import Door, Entry, TooManyTries, WrongKey
from studio.door.gate import ENTRY, address_of, session_cookie, too_many
from studio.door.keys import DAY, SESSION_DAYS, Refused, Token
from studio.door.passwords import LONGEST
from studio.hosts import is_loopback, named_host
from studio.house import house_urls
from studio.settings import Settings

_NO_DOOR = "This studio asks nobody for a password, so there is nothing to log in to and no token to make."
_NOT_YOURS = "Tokens are made, listed and revoked by who knows the password: log in, or use the terminal."


class DoorInfo(BaseModel):
    """How this studio is reached, and by whom."""

    closed: bool = Field(description="Whether a password or token is asked for.")
    address: str | None = Field(description="For a phone or another computer; null: only this machine.")
    owner: bool = Field(description="Whether who asks may make and revoke tokens.")
    session_until: float | None = Field(description="When who asks is logged out; seconds since 1970.")


class LoginWish(BaseModel):
    """What opens the door."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: str = Field(max_length=LONGEST, description="The password, or a token.")


class TokenWish(BaseModel):
    """A token for a script."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=64)
    days: int | None = Field(
        default=None, ge=1, le=3650, description="Good for so long; null: until revoked."
    )


class TokenRecord(BaseModel):
    """A token, without what it is."""

    id: str
    name: str
    made_at: float = Field(description="Seconds since 1970, as `until`.")
    until: float | None


class NewToken(TokenRecord):
    """A token that was just made."""

    token: str = Field(description="Shown this once.")


def add_door(router: APIRouter, settings: Settings, door: Door | None) -> None:
    """Add the calls about who may come in."""
    _add_about(router, settings, door)
    _add_login(router, door)
    _add_tokens(router, door)


def _add_about(router: APIRouter, settings: Settings, door: Door | None) -> None:
    @router.get("/door")
    def about(request: Request) -> DoorInfo:
        """Whether a password is asked for, the address for a phone, and when this session ends."""
        entry: Entry | None = request.scope.get(ENTRY)
        return DoorInfo(
            closed=door is not None,
            address=_address(request, settings),
            owner=door is not None and entry is not None and entry.owner,
            session_until=entry.until if entry and entry.kind == "session" else None,
        )

    @router.get("/door/qr", response_class=Response)
    def qr(request: Request) -> Response:
        """The address for a phone as a QR code, SVG; 404 where only this machine reaches the studio."""
        address = _address(request, settings)
        if address is None:
            raise HTTPException(404, "Only this machine reaches this studio.")
        drawn = io.BytesIO()
        code = segno.make(address, error="m", micro=False)
        code.save(drawn, kind="svg", scale=8, border=4, dark="#131316", light="#fff", xmldecl=False)
        return Response(drawn.getvalue(), media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


def _address(request: Request, settings: Settings) -> str | None:
    """The address that who asks has used, where others can use it, too."""
    root = request.scope.get("root_path", "")
    host = named_host(request.headers.get("host", ""))
    if host is not None and not is_loopback(host):
        return f"{request.scope['scheme']}://{request.headers['host']}{root}/"
    port = (request.scope.get("server") or ("", settings.port))[1]
    return next(iter(house_urls(settings, port)), None)


def _add_login(router: APIRouter, door: Door | None) -> None:
    @router.post("/login", status_code=204)
    async def login(wish: LoginWish, request: Request, response: Response) -> None:
        """Log in with the password or a token: the answer sets a cookie that lasts thirty days."""
        known = _existing(door)
        try:
            _, cookie = await known.login(wish.password, address_of(request.scope))
        except TooManyTries as error:
            headers = {"Retry-After": str(math.ceil(error.seconds))}
            raise HTTPException(429, too_many(error.seconds), headers) from error
        except WrongKey as error:
            detail = "That is neither the password nor a token of this studio."
            raise HTTPException(401, detail, {"WWW-Authenticate": "Bearer"}) from error
        response.headers["Set-Cookie"] = session_cookie(known, request.scope, cookie, int(SESSION_DAYS * DAY))

    @router.post("/logout", status_code=204)
    def logout(request: Request, response: Response, everywhere: Annotated[bool, Query()] = False) -> None:
        """End this session, or with `everywhere` all sessions; tokens stay."""
        known, entry = _existing(door), request.scope[ENTRY]
        if everywhere and not entry.owner:
            raise HTTPException(403, _NOT_YOURS)
        known.logout(entry, everywhere=everywhere)
        response.headers["Set-Cookie"] = session_cookie(known, request.scope, "", 0)
        response.headers["Clear-Site-Data"] = '"cache"'


def _add_tokens(router: APIRouter, door: Door | None) -> None:
    @router.get("/tokens")
    def tokens(request: Request) -> tuple[TokenRecord, ...]:
        """All tokens by name; none can be shown again."""
        return tuple(map(_record, _owned(door, request).keys.keys().tokens))

    @router.post("/tokens", status_code=201)
    def add(wish: TokenWish, request: Request, response: Response) -> NewToken:
        """Make a token for a script; it is shown this once."""
        try:
            made, text = _owned(door, request).keys.add_token(wish.name, wish.days)
        except Refused as error:
            raise HTTPException(409, str(error)) from error
        response.headers["Cache-Control"] = "no-store"
        return NewToken(**_record(made).model_dump(), token=text)

    @router.delete("/tokens/{token_id}", status_code=204)
    def revoke(token_id: str, request: Request) -> None:
        """End a token, by id or name, and every session that was opened with it."""
        try:
            _owned(door, request).keys.revoke_token(token_id)
        except Refused as error:
            raise HTTPException(404, str(error)) from error


def _record(token: Token) -> TokenRecord:
    return TokenRecord(id=token.id, name=token.name, made_at=token.made_at, until=token.until)


def _existing(door: Door | None) -> Door:
    if door is None:
        raise HTTPException(409, _NO_DOOR)
    return door


def _owned(door: Door | None, request: Request) -> Door:
    """The door, for who knows its password: a script cannot hand its way in on."""
    known = _existing(door)
    if not request.scope[ENTRY].owner:
        raise HTTPException(403, _NOT_YOURS)
    return known
