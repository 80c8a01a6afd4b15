"""Text of others, as it may be shown."""

import unicodedata

_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format, surrogates, other ends of lines
_JOINERS = "\u200c\u200d"  # of letters, and of the parts of one sign


def printable(text):
    r"""Return text with escapes for what is not seen, such as control characters; lines stay.

    Examples
    --------
    >>> print(printable("dose\x1b[2J"))
    dose\x1b[2J
    """
    return "".join(
        c.encode("unicode_escape").decode()
        if c not in f"\n{_JOINERS}" and unicodedata.category(c) in _HIDDEN
        else c
        for c in str(text)
    )
