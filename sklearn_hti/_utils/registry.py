"""Classes that files of `save` may hold: what is not here is neither saved nor loaded."""

_CLASSES = {}


def storable(cls):
    """Register a class by its name, and return it.

    Derived classes are not registered with it: those of users may do anything.

    Raises
    ------
    ValueError
        If another class has that name.
    """
    known = _CLASSES.setdefault(cls.__name__, cls)
    if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise ValueError(f"{cls.__name__} is the name of {known!r}, too")
    _CLASSES[cls.__name__] = cls
    return cls


def storable_classes():
    """Return the classes registered so far, by name."""
    return dict(_CLASSES)
