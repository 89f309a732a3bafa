"""Valid names, for messages: a short list of them, and the one nearest to a name that is not valid."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from itertools import islice

_LONGEST = 100
"""Characters of a name for which a suggestion is looked for."""
_MOST = 200
"""Names that are looked at: comparing takes time, and a hostile file can hold 100,000 of them."""
_MOST_LISTED = 12
"""Names that a message lists."""


def listed(names: Collection[str]) -> str:
    """`a, b, c and 3 more`."""
    shown = ", ".join(islice((name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..." for name in names), _MOST_LISTED))
    more = len(names) - _MOST_LISTED
    return (f"{shown} and {more} more" if more > 0 else shown) or "nothing is defined there"


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The valid name nearest to `name`, letter case apart, or the first one that has it as a word (`status_code` for `code`).

    None if none is near.
    """
    if len(name) > _LONGEST:
        return None
    folded = name.casefold()
    by_folded = {one.casefold(): one for one in islice(names, _MOST)}
    close = get_close_matches(folded, by_folded, n=1) or [one for one in by_folded if folded in one.split("_")]
    return by_folded[close[0]] if close else None
