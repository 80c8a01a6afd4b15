"""Check that every link inside the built documentation leads to a page and an anchor that exist.

`make docs` runs ``python docs/check_links.py docs/_build/html`` after the build.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """What a page links to, and which anchors it has."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        """Note the addresses and the anchors of a tag."""
        for name, value in attrs:
            if value and (name == "id" or (tag == "a" and name == "name")):
                self.anchors.add(value)
            elif value and name in ("href", "src") and tag != "link":
                self.links.add(value)


def broken_links(root):
    """Yield (page, link) for every link that leads nowhere inside `root`."""
    files = (path for path in root.rglob("*.html") if "_static" not in path.parts)
    pages = {path.resolve(): Page(path) for path in files}
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            missing = (
                target in pages and parts.fragment and not _has(pages[target], parts.fragment)
            )
            if missing or not target.exists():
                yield path.relative_to(root.resolve()), link


def _has(page, fragment):
    return unquote(fragment) in page.anchors


if __name__ == "__main__":
    found = list(broken_links(Path(sys.argv[1])))
    for page, link in found:
        print(f"{page}: {link} leads nowhere", file=sys.stderr)
    sys.exit(bool(found))
