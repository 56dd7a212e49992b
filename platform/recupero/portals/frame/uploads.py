"""Files between the steps of a placement: kept for a day, readable only for whoever sent them."""

import secrets
import shutil
import time
from pathlib import Path

from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from recupero.kernel import runtime
from recupero.kernel.errors import NotFound
from recupero.tenancy.callers import Caller

KEPT_SECONDS = 24 * 3600


def keep(sent: FileStorage, caller: Caller) -> str:
    """Store what was sent and return its token; what was left lying for a day goes."""
    folder = _folder(caller)
    _tidy(folder)
    token = secrets.token_hex(12)
    place = folder / token
    place.mkdir(mode=0o700, parents=True)
    path = place / (secure_filename(sent.filename or "") or "file")
    sent.save(path)
    path.chmod(0o600)
    return token


def find(token: str, caller: Caller) -> Path:
    """The caller's file behind a token. Raises NotFound where it is gone or somebody else's."""
    place = _folder(caller) / token
    if not token.isalnum() or not place.is_dir():
        raise NotFound("this file is no longer here: send it again")
    return next(place.iterdir())


def drop(token: str, caller: Caller) -> None:
    """Forget a file that has been taken in."""
    shutil.rmtree(find(token, caller).parent)


def _folder(caller: Caller) -> Path:
    return (
        runtime.current().config.data_dir / "uploads" / f"{caller.agency_id}-{caller.actor.replace(':', '-')}"
    )


def _tidy(folder: Path) -> None:
    oldest = (
        time.time() - KEPT_SECONDS
    )  # files are as old as the file system says, whatever the simulated time
    for place in folder.glob("*"):
        if place.stat().st_mtime < oldest:
            shutil.rmtree(place)
