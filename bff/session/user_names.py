"""One spelling for all that name the same user."""

from __future__ import annotations

import re
import unicodedata

# What Unicode does not take apart, and MySQL's collations take for these letters.
_LETTERS = (
    *(("æ", "ae"), ("œ", "oe"), ("ø", "o"), ("đ", "d"), ("ð", "d"), ("ħ", "h"), ("ı", "i")),
    *(("ł", "l"), ("ŧ", "t")),
)


def folded(name: str) -> str:
    """Return what is left of a name where case, accents and white space make no difference.

    Keystone asks its database, and MySQL's collations compare like that; an LDAP server folds
    white space besides (RFC 4518, 2.6). Without this, each spelling of a name would be another
    user with attempts of their own. That some users' names become one does no harm here.
    """
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    # Neither marks nor what cannot be seen, half of a surrogate pair included.
    text = "".join(
        character for character in apart if unicodedata.category(character)[0] not in "MC"
    )
    for letter, plain in _LETTERS:
        text = text.replace(letter, plain)
    # "ß", which is "ss" by now, is "s" to some collations and "ss" to others.
    return re.sub("s+", "s", " ".join(text.split()))
