"""Pages of the documentation read easily: short sentences, short lines, plain words."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LISTS = {DOCS / "constants.md"}  # of names
PAGES = [ROOT / "README.md", *sorted(set(DOCS.glob("*.md")) - LISTS)]
PAGES += [
    *sorted((DOCS / "guide").glob("*.md")),
    *sorted(set((DOCS / "benchmarks").glob("*.md")) - LISTS),
]
MOST_WORDS = 30  # of a sentence
MOST_CHARACTERS = 100  # of a line of prose
AVOIDED = r"dear|in their stead|in its stead|of one's own|speaks? for|says? so|amongst|whilst"


def prose(text):
    """Return a page without code, tables, formulas, pictures and what benchmarks write."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!-- (\w+): begin -->.*?<!-- \1: end -->", "", text, flags=re.DOTALL)
    text = re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)
    text = re.sub(r"!\[[^]]*\]\([^)]*\)", "", text)
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("|"))


def sentences(text):
    """Return the sentences of a page, each as its words."""
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"`[^`]*`|\$[^$]*\$", "x", text)
    blocks = re.split(r"\n\s*\n|^\s*(?:[*-]|\d+\.|:) |^#+ ", text, flags=re.MULTILINE)
    for block in blocks:
        for sentence in re.split(r"(?<=[.?!:;])[\])*\"]*\s+", " ".join(block.split())):
            yield [word for word in sentence.split() if re.search(r"\w", word)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_reads_easily(page):
    text = page.read_text(encoding="utf-8")
    body = prose(text)
    long = [" ".join(words) for words in sentences(body) if len(words) > MOST_WORDS]
    assert not long, f"sentences of more than {MOST_WORDS} words: {long}"
    wide = [line for line in body.splitlines() if len(line) > MOST_CHARACTERS]
    assert not wide, f"lines of more than {MOST_CHARACTERS} characters: {wide}"
    assert not re.findall(rf"\b(?:{AVOIDED})\b", body, flags=re.IGNORECASE)


def test_long_sentences_and_words_to_avoid_are_found():
    text = "One. " + "word " * 31 + ".\n\n| a table row that is left out |\n"
    assert [len(words) for words in sentences(prose(text))] == [1, 31]
    assert re.search(rf"\b(?:{AVOIDED})\b", "Training again is dear.")
