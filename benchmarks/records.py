"""Result files: one JSON record per line, written as they come."""

import json


def read(path):
    """Return the records of a result file; lines that were cut off are left out."""
    records = []
    if path.exists():
        for line in path.read_text().splitlines():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return records
