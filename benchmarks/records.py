"""Result files: one JSON record per line, written as they come."""

import json

import numpy as np
from tqdm.auto import tqdm


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


def complete(path, key, jobs, run):
    """Run the jobs that a result file does not have; return the records of all jobs.

    Parameters
    ----------
    path : pathlib.Path
        The result file; each record is appended as it comes.
    key : tuple of str
        The fields of a record that name its job.
    jobs : iterable of tuple
        The jobs; each has the values of `key`.
    run : callable
        ``run(*job)`` returns the other fields of the record.

    Returns
    -------
    list of dict
        One record per job, in the order of the jobs.
    """
    jobs = list(jobs)
    found = {tuple(record[k] for k in key): record for record in read(path)}
    todo = [job for job in jobs if job not in found]
    with path.open("a") as out:
        for job in tqdm(todo, unit="run", disable=not todo):
            record = dict(zip(key, job, strict=True)) | run(*job)
            out.write(json.dumps(record) + "\n")
            out.flush()
            found[job] = record
    return [found[job] for job in jobs]


def mean_and_error(values):
    """Return the text "mean ± standard error"; the mean alone of one value."""
    text = f"{np.mean(values):.3g}"
    if len(values) == 1:
        return text
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    rounding = 1e-12 * np.abs(values).max()
    return f"{text} ± {error if error > rounding else 0:.2g}"


def write_between(path, name, lines):
    """Put lines between the marks "<!-- name: begin -->" and "<!-- name: end -->" of a page."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = path.read_text().split(begin)
    after = rest.split(end)[1]
    path.write_text("\n".join([before + begin, "", *lines, "", end + after]))
