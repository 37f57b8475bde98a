"""The login page: one small document without scripts, in the studio's look, that needs no other file."""

from __future__ import annotations

import base64
import hashlib
import html
from pathlib import Path

_STYLE = Path(__file__).with_name("login.css").read_text(encoding="utf-8")

_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CONTENT_SECURITY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_HASH}'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Likeness</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark">'
    '<meta name="robots" content="noindex">'
)
_UNSEEN = "This connection is not encrypted: use it in networks you trust."


def login_page(action: str, wrong: str = "", *, encrypted: bool) -> str:
    """The form, which posts `password` to `action`; `wrong` says why it is shown again."""
    told = f'<p class="wrong" id="wrong" role="alert">{html.escape(wrong)}</p>' if wrong else ""
    marked = ' aria-invalid="true" aria-describedby="wrong"' if wrong else ""
    note = "" if encrypted else f'<p class="plain">{_UNSEEN}</p>'
    return (
        f"{_HEAD}<style>{_STYLE}</style></head><body><main>"
        "<h1>Likeness</h1><p>This studio is closed to strangers.</p>"
        f'<form method="post" action="{html.escape(action)}">'
        '<input type="text" name="username" value="likeness" autocomplete="username" hidden>'
        '<label for="password">Password or token</label>'
        '<input type="password" id="password" name="password" autocomplete="current-password"'
        f' autocapitalize="off" spellcheck="false" maxlength="1024" required autofocus{marked}>'
        f'{told}<button type="submit">Log in</button></form>{note}</main></body></html>'
    )


def arrival_page(onward: str) -> str:
    """Goes on to `onward` by itself.

    A browser that follows a link from elsewhere keeps its cookie back (SameSite=Strict); from a page of
    ours it brings it along.
    """
    address = html.escape(onward)
    return (
        f'{_HEAD}<meta http-equiv="refresh" content="0; url={address}"></head>'
        f'<body><a href="{address}">Go on to the studio</a></body></html>'
    )
