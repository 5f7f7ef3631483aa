"""The address of a database, without any secret, and a reference to its secret.

A store in MongoDB has an address such as ::

    mongodb+srv://ana@cluster0.ab1cd.mongodb.net/tutorial?authSource=admin#env:EPICAT_STORE

It is plain data, which workers, plans and records may contain.  The part after the ``#`` is a
reference: the environment variable, or the file, that contains the password or the full URI.
It is read when a connection is made.  `secured` makes such an address from the user's input, and
is the only function that accepts a password; nothing here puts a secret into a message.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

from epicat.errors import InputError
from epicat.model import digest_of

__all__ = ["DEFAULT_DATABASE", "STORE_VARIABLE", "Address", "is_mongo", "masked", "secured"]

STORE_VARIABLE = "EPICAT_STORE"
"""The environment variable for the value of ``--store``, which may contain a password."""
DEFAULT_DATABASE = "tutorial"
"""The default database."""

_FORM = "mongodb://USER@HOST/DATABASE or mongodb+srv://USER@CLUSTER/DATABASE"
_COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_REFERENCE = re.compile(r"#(env:[A-Za-z_][A-Za-z0-9_]*|file:[^#]+)$")
_SHAPE = re.compile(
    r"(mongodb(?:\+srv)?)://(?:([^@/?#]*)@)?([^@/?#]+)(?:/([^@/?#]*))?(?:\?([^@?#]*))?"
)
_ESCAPED = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_BAD_IN_NAMES = re.compile(r"[/\\. \"$*<>:|?\x00]")
_NOT_FOR_DATA = ("admin", "local", "config")
_OUTSIDE = ("MONGODB-X509", "MONGODB-AWS", "MONGODB-OIDC", "GSSAPI")
"""Mechanisms that need no password, and whose users belong to no database."""


@dataclass(frozen=True, slots=True)
class Address:
    """A database, and the reference to its secret.  Never contains a secret."""

    scheme: str
    """``mongodb`` or ``mongodb+srv``."""
    user: str
    """Name of the user, percent-encoded; empty if the server asks for none."""
    hosts: str
    """``HOST:PORT``, several with commas between them."""
    database: str
    """Name of the database."""
    options: str
    """Options of the driver as in a URI, without those that hold secrets."""
    reference: str
    """``env:NAME`` or ``file:PATH``; empty if there is no secret."""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read what ``str`` of an address wrote; raise `InputError` for anything else."""
        address, secret = _parsed(text)
        if secret:
            raise ValueError("an address does not hold a secret; see secured()")
        return address

    @property
    def shown(self) -> str:
        """The address in messages and records."""
        user = f"{self.user}@" if self.user else ""
        return f"{self.scheme}://{user}{self.hosts}/{self.database}"

    def __str__(self) -> str:
        options = f"?{self.options}" if self.options else ""
        reference = f"#{self.reference}" if self.reference else ""
        return f"{self.shown}{options}{reference}"

    @property
    def needs_password(self) -> bool:
        """Whether the user needs a password."""
        return bool(self.user) and not _is_outside(self.options)

    @property
    def is_open(self) -> bool:
        """Whether a connection needs no secret."""
        return not self.reference and not self.needs_password

    def uri(self) -> str:
        """Return the URI to connect with.  It contains the password: never show it.

        Raises `InputError` if the secret is not where the reference says, or is for another
        server.
        """
        if not self.reference:
            if self.needs_password:
                raise InputError(
                    f"store {self.shown}: no password for {self.user}: put the full URI in "
                    f"{STORE_VARIABLE}, or in a file and pass --store @FILE"
                )
            return self._uri("")
        secret = _fetched(self.reference, self.shown)
        if not is_mongo(secret):
            return self._uri(f":{quote(secret, safe='')}")
        full, _ = _parsed(secret)
        if (full.scheme, full.user, full.hosts) != (self.scheme, self.user, self.hosts):
            other = full.shown.rpartition("/")[0]
            raise InputError(f"store {self.shown}: {_where(self.reference)} is for {other}")
        return _without_database(secret, self.options)

    def _uri(self, password: str) -> str:
        user = f"{self.user}{password}@" if self.user else ""
        return f"{self.scheme}://{user}{self.hosts}/?{self.options}"


def is_mongo(text: str) -> bool:
    """Whether a location is a database."""
    return text.startswith(("mongodb://", "mongodb+srv://"))


def secured(text: str, database: str | None = None) -> str:
    """Return a store's location without any secret; others are returned unchanged.

    A password goes into an environment variable of this process, which the processes that it
    starts inherit, and the location refers to that; one that came from ``EPICAT_STORE`` or from
    a file (``@FILE``) stays there.  ``database`` takes precedence over the one in the location;
    of a folder or a bucket it names the folder for a store in it.
    Raises `InputError`, without any part of the location that may be secret.
    """
    text = text.strip() if is_mongo(text.strip()) else text
    if text.startswith("@"):
        return _from_file(text.removeprefix("@"), database)
    if not is_mongo(text):
        return text if database is None else _folder(text, database)
    address, has_secret = _parsed(text)
    address = replace(
        address, database=_checked(address.database if database is None else database)
    )
    if has_secret:
        return str(replace(address, reference=_kept(address, text)))
    if address.needs_password and not address.reference and _fits(address):
        return str(replace(address, reference=f"env:{STORE_VARIABLE}"))
    return str(address)


def masked(text: str, uri: str) -> str:
    """Return a text without the secrets of a URI, in case it repeats one."""
    parts = _SHAPE.fullmatch(_REFERENCE.sub("", uri))
    account, query = (parts[2] or "", parts[5] or "") if parts else ("", "")
    values = [account.partition(":")[2]]
    values += [option.partition("=")[2] for option in query.split("&") if _is_secret(option)]
    for value in filter(None, values):
        text = text.replace(value, "***").replace(unquote(value), "***")
    return text


def _folder(location: str, name: str) -> str:
    """Return the folder of a collection in a folder or a bucket."""
    if not _COLLECTION.fullmatch(name):
        raise InputError(
            f"--collection {name!r}: use letters, digits and . _ -, starting with a letter or digit"
        )
    if "://" not in location and (Path(location) / "store.json").exists():
        raise InputError(
            f"{location!r} is a store itself: without --collection it is the one that is used; "
            f"for a second one next to it give --store {str(Path(location).parent / name)!r}"
        )
    return f"{location.rstrip('/')}/{name}"


def _from_file(name: str, database: str | None) -> str:
    path = Path(name).expanduser().absolute()
    text = _fetched(f"file:{path}", f"@{name}")
    if not is_mongo(text):
        return secured(text, database)
    address, has_secret = _parsed(text)
    reference = f"file:{path}" if has_secret else address.reference
    database = _checked(address.database if database is None else database)
    return str(replace(address, database=database, reference=reference))


def _kept(address: Address, text: str) -> str:
    """Put a URI with its secret where workers find it."""
    if os.environ.get(STORE_VARIABLE, "").strip() == text:
        return f"env:{STORE_VARIABLE}"
    name = f"{STORE_VARIABLE}_{digest_of(address.shown)[:8].upper()}"
    os.environ[name] = text
    return f"env:{name}"


def _fits(address: Address) -> bool:
    """Whether ``EPICAT_STORE`` contains the secret of an address without one."""
    text = os.environ.get(STORE_VARIABLE, "").strip()
    if not is_mongo(text):
        return False
    other, _ = _parsed(text)
    return (other.scheme, other.user, other.hosts) == (address.scheme, address.user, address.hosts)


def _parsed(text: str) -> tuple[Address, bool]:
    """Return the address in a URI, and whether the URI holds a secret."""
    found = _REFERENCE.search(text)
    reference = _absolute(found[1]) if found else ""
    parts = _SHAPE.fullmatch(text[: found.start()] if found else text)
    if parts is None:
        raise InputError(
            f"the address of the store is not understood; write {_FORM}. In user names, passwords "
            "and options, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25"
        )
    scheme, account, hosts, path, query = (part or "" for part in parts.groups())
    user, colon, password = account.partition(":")
    if not (_ESCAPED.fullmatch(user) and _ESCAPED.fullmatch(password)):
        raise InputError(
            "user name or password in the address of the store: write @ as %40, : as %3A, / as "
            "%2F, ? as %3F, # as %23 and % as %25"
        )
    options = [option for option in query.split("&") if option]
    plain = [option for option in options if not _is_secret(option)]
    database = path if path and path not in _NOT_FOR_DATA else DEFAULT_DATABASE
    address = Address(scheme, user, hosts, _checked(database), "", reference)
    address = replace(address, options="&".join(_with_source(plain, user, path)))
    return address, bool(colon) or len(plain) < len(options)


def _absolute(reference: str) -> str:
    """Name a file so that workers find it, wherever they run."""
    kind, _, name = reference.partition(":")
    return f"file:{Path(name).expanduser().absolute()}" if kind == "file" else reference


def _with_source(options: list[str], user: str, path: str) -> list[str]:
    """Say where the user is known: in a URI the database says it, unless an option does."""
    names = {option.partition("=")[0].lower() for option in options}
    if not user or "authsource" in names or _is_outside("&".join(options)):
        return options
    return [*options, f"authSource={path or 'admin'}"]


def _is_secret(option: str) -> bool:
    name = option.partition("=")[0].lower()
    return "password" in name or name == "authmechanismproperties"


def _is_outside(options: str) -> bool:
    return any(f"authmechanism={name}".lower() in options.lower() for name in _OUTSIDE)


def _checked(database: str) -> str:
    if not database or _BAD_IN_NAMES.search(database) or len(database.encode()) > 63:
        raise InputError(
            f"--collection {database!r} cannot be the name of a database: 1 to 63 letters, without "
            'blanks and without / \\ . " $ * < > : | ?'
        )
    if database in _NOT_FOR_DATA:
        raise InputError(f"--collection {database!r} is a database of the server's own")
    return database


def _without_database(uri: str, options: str) -> str:
    """Leave the database out of a URI: it would be taken for the one that knows the user."""
    text = _REFERENCE.sub("", uri)
    parts = _SHAPE.fullmatch(text)
    if parts is None:  # _parsed has read it before
        raise ValueError("not a URI")
    account = f"{parts[2]}@" if parts[2] is not None else ""
    given = [option for option in (parts[5] or "").split("&") if option]
    secret = [option for option in given if _is_secret(option)]
    query = "&".join([*filter(None, options.split("&")), *secret])
    return f"{parts[1]}://{account}{parts[3]}/?{query}"


def _fetched(reference: str, shown: str) -> str:
    """Return what a reference refers to."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        secret = os.environ.get(name, "").strip()
    else:
        try:
            secret = Path(name).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise InputError(
                f"store {shown}: {_where(reference)} cannot be read: {reason}"
            ) from None
    if not secret:
        raise InputError(
            f"store {shown}: {_where(reference)} should have its password, and is empty"
        )
    return secret


def _where(reference: str) -> str:
    kind, _, name = reference.partition(":")
    return f"the environment variable {name}" if kind == "env" else f"the file {name!r}"
