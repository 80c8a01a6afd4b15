"""The hyperparameters of a fit: their names, kinds and levels, and how lambda is encoded."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np

from .._utils.registry import storable
from .arrays import count_axes
from .lam_columns import as_table, columns_of, is_numeric, names_of, numbers_of
from .lambdas import LAM_ROUNDING, check_lam, count_rows

_MAX_COLUMNS = 5


@storable
@dataclass(frozen=True)
class LamSpace:
    """How lambda, as users pass it, becomes an array of numbers.

    One hyperparameter that varies gives an array of shape (n,); several give (n, k), with the
    codes of categories in place of their names.

    Attributes
    ----------
    names : tuple of str
        Names of the hyperparameters; empty where they came without.
    n_columns : int
        Number of hyperparameters, with those that do not vary.
    kept : tuple of int
        The columns that answers depend on.
    levels : tuple
        The categories of every column; None for numbers.
    constants : tuple
        The only value of every column that does not vary; None for others.
    """

    names: tuple = ()
    n_columns: int = 1
    kept: tuple = (0,)
    levels: tuple = (None,)
    constants: tuple = (None,)

    @property
    def scalar(self):
        """Whether lambda is encoded as one number per row."""
        return len(self.kept) == 1 and self.levels[self.kept[0]] is None

    @property
    def kept_levels(self):
        """The categories of every column that varies; None for numbers."""
        return tuple(self.levels[j] for j in self.kept)

    @property
    def kept_names(self):
        """Names of the columns that vary; their numbers where there are none."""
        return tuple(self.names[j] if self.names else j for j in self.kept)

    def encode(self, lam, n_rows, name="lam"):
        """Return lambda as an array of shape (n,) or (n, k); one value is repeated for all rows.

        Raises
        ------
        ValueError
            If a hyperparameter is missing, a category is unknown, a value is no number, or one
            that did not vary in `fit` differs from its value there.
        """
        if self.n_columns == 1:
            if isinstance(lam, Mapping) or hasattr(lam, "columns"):
                (lam,) = self._columns(lam, n_rows, name)
            return check_lam(lam, n_rows, name=name)
        if lam is None:
            check_lam(lam, n_rows, name=name)
        columns = self._columns(lam, n_rows, name)
        encoded = [self._encode_column(j, column, name) for j, column in enumerate(columns)]
        kept = [encoded[j] for j in self.kept]
        return kept[0] if self.scalar else np.column_stack(kept)

    def decode(self, lam):
        """Return encoded lambdas (n,) or (n, k) as users pass them, (n,) or (n, n_columns)."""
        if self.n_columns == 1:
            return lam
        lam = np.reshape(lam, (len(lam), -1))
        mixed = any(level is not None for level in self.levels)
        out = np.empty((len(lam), self.n_columns), dtype=object if mixed else float)
        for j in range(self.n_columns):
            out[:, j] = self.constants[j]
        for j, column in zip(self.kept, lam.T, strict=True):
            level = self.levels[j]
            out[:, j] = column if level is None else [level[int(code)] for code in column]
        return out

    def text(self, lam):
        """Return one encoded lambda as text."""
        (row,) = self.decode(np.asarray(lam, dtype=float)[None])
        if self.n_columns == 1:
            return f"{row:g}"
        shown = [f"{v:g}" if isinstance(v, Real) else repr(v) for v in row]
        if not self.names:
            return f"({', '.join(shown)})"
        return f"({', '.join(f'{n}={v}' for n, v in zip(self.names, shown, strict=True))})"

    def count_rows(self, lam):
        """Return the number of rows that lambda asks for where there is no X."""
        if isinstance(lam, Mapping):
            return max((len(v) for v in lam.values() if np.ndim(v)), default=1)
        if self.n_columns > 1 and lam is not None and not hasattr(lam, "columns"):
            lam = as_table(lam)
            return 1 if lam.ndim == 1 else len(lam)
        return count_rows(None, lam)

    def only(self, kept):
        """Return the space in which only some of the varying columns count."""
        return replace(self, kept=tuple(self.kept[j] for j in kept))

    def _columns(self, lam, n_rows, name):
        """Return the values of every column, each (n_rows,), not yet checked."""
        columns = columns_of(lam, self.names, self.n_columns, name)
        for column in columns:
            if len(column) not in (1, n_rows):
                raise ValueError(
                    f"`{name}` has {len(column)} row(s); pass one for each of the {n_rows} rows, "
                    "or one for all."
                )
        return [
            column if len(column) == n_rows else np.repeat(column, n_rows) for column in columns
        ]

    def _encode_column(self, j, column, name):
        label = self.names[j] if self.names else f"column {j}"
        if self.levels[j] is None:
            column = numbers_of(column, f"{name}[{label}]")
            constant = self.constants[j]
            if constant is not None and not np.allclose(
                column, constant, rtol=LAM_ROUNDING, atol=0
            ):
                raise ValueError(
                    f"`{name}`: {label} was {constant:g} for every row in fit, so answers at "
                    "other values are unknown. Train more values, or pass this one."
                )
            return column
        codes = {level: code for code, level in enumerate(self.levels[j])}
        unknown = sorted({str(v) for v in column if v not in codes})
        if unknown:
            raise ValueError(
                f"`{name}`: {label} has the unknown categories {unknown}; those of fit are "
                f"{list(self.levels[j])}."
            )
        return np.array([codes[value] for value in column], dtype=float)


ONE = LamSpace()  # one hyperparameter without a name


def learn_space(lam, n_rows):
    """Return the LamSpace of what `fit` is given, and its encoding.

    Raises
    ------
    ValueError
        If no number varies, there are more than five hyperparameters, or a combination of
        categories has one trained value only.
    """
    names = names_of(lam)
    if not names and (lam is None or count_axes(lam) < 2 or np.shape(lam)[1] == 1):
        return LamSpace(), check_lam(lam, n_rows)
    n_columns = len(names) or np.shape(lam)[1]
    if n_columns > _MAX_COLUMNS:
        raise ValueError(
            f"`lam` has {n_columns} columns, one per hyperparameter; at most {_MAX_COLUMNS} are "
            "supported. Leave out those that do not vary."
        )
    raw = LamSpace(names, n_columns, tuple(range(n_columns)))._columns(lam, n_rows, "lam")
    levels, constants, kept = [], [], []
    for j, column in enumerate(raw):
        label = names[j] if names else f"column {j}"
        if is_numeric(column):
            values = np.unique(numbers_of(column, f"lam[{label}]"))
            level, single = None, len(values) == 1
        else:
            if any(value is None or value != value for value in column):
                raise ValueError(f"`lam`: {label} has missing values; drop those rows.")
            values = level = tuple(sorted(set(column), key=str))
            single = len(values) == 1
        levels.append(level)
        constants.append((float(values[0]) if level is None else values[0]) if single else None)
        if not single:
            kept.append(j)
    space = LamSpace(names, n_columns, tuple(kept), tuple(levels), tuple(constants))
    if not any(level is None for level in space.kept_levels):
        what = "holds one value only" if not kept else "varies in categories only"
        raise ValueError(
            f"`lam` {what}: at least one number has to vary, with outputs of networks trained at "
            "two or more of its values."
        )
    encoded = space.encode(lam, n_rows)
    _check_combinations(space, encoded)
    return space, encoded


def learn_again(space, lam):
    """Return the LamSpace of some of the rows that it was learned from, and their encoding."""
    if lam.ndim == 1:
        return space, lam
    table = space.decode(lam)
    named = space.names and dict(zip(space.names, table.T, strict=True))
    return learn_space(named or table, len(lam))


def combinations(space_levels, lam):
    """Return the number of every row's combination of categories, and the combinations."""
    codes = [j for j, level in enumerate(space_levels) if level is not None]
    found, of = np.unique(lam[:, codes], axis=0, return_inverse=True)
    return of.reshape(-1), found


def _check_combinations(space, lam):
    if lam.ndim == 1:
        return
    of, _ = combinations(space.kept_levels, lam)
    numbers = [j for j, level in enumerate(space.kept_levels) if level is None]
    for k in range(of.max() + 1):
        rows = lam[of == k]
        if len(np.unique(rows[:, numbers], axis=0)) == 1:
            raise ValueError(
                f"`lam`: {space.text(rows[0])} is the only trained value with its categories; "
                "no lambda lies between it and another. Train more values with them, or leave out "
                "these rows."
            )


def repeat_lam(lam, n_rows):
    """Return one encoded lambda for every row, (n,) or (n, k)."""
    return np.repeat(np.asarray(lam, dtype=float)[None], n_rows, axis=0)


def shown(lam):
    """Return an encoded lambda as text, where names are not at hand."""
    return f"{lam:g}" if np.ndim(lam) == 0 else f"({', '.join(f'{value:g}' for value in lam)})"
