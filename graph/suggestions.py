"""What somebody may have meant who wrote a name that does not exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher

LONGEST = 200
MOST_KNOWN = 20_000
MOST_COMPARED = 50_000
"""Characters of one name times those of the others, over all that are compared closely: some tenths of a second where
they are made to take long."""


def near_misses(name: str, known: Iterable[str]) -> str:
    """`' (did you mean "steps"?)'`, or nothing."""
    close = close_names(name, known)
    return f' (did you mean {" or ".join(map(repr, close))}?)' if close else ''


def close_names(name: str, known: Iterable[str], most: int = 3, cutoff: float = 0.6) -> list[str]:
    """The most similar of the known names, the best first, whatever their case. Bounded: both may come from a script.

    Similarity is `difflib`'s ratio. That takes time by the cube of the lengths at worst, so only those are compared
    that have enough letters in common.
    """
    wanted = name.lower()
    if not 0 < len(wanted) <= LONGEST:
        return []
    letters = Counter(wanted)
    near: dict[str, tuple[float, str]] = {}
    for number, candidate in enumerate(known):
        if number >= MOST_KNOWN:
            break
        lowered = candidate.lower() if len(candidate) <= LONGEST else ''
        both = len(wanted) + len(lowered)
        if 2 * min(len(wanted), len(lowered)) < cutoff * both:
            continue
        shared = 2 * sum((letters & Counter(lowered)).values()) / both
        if shared >= cutoff:
            near[lowered] = shared, candidate
    matcher = SequenceMatcher(b=wanted)
    found: list[tuple[float, str, str]] = []
    left = MOST_COMPARED
    for lowered, (_, candidate) in sorted(near.items(), key=lambda item: item[1], reverse=True):
        left -= len(wanted) * len(lowered)
        if left < 0:
            break
        matcher.set_seq1(lowered)
        ratio = matcher.ratio()
        if ratio >= cutoff:
            found.append((ratio, lowered, candidate))
    return [candidate for _, _, candidate in sorted(found, reverse=True)[:most]]
