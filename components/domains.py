"""Scores by domain, as CoQA's official evaluation tells them (Reddy et al. 2019, section 3)."""

from collections.abc import Mapping, Sequence

# Of the training set, and of the test set alone. Another source is in neither mean.
_IN_DOMAIN = ("mctest", "gutenberg", "race", "cnn", "wikipedia")
_OUT_OF_DOMAIN = ("reddit", "science")


def places_by_domain(domains: Sequence[str]) -> dict[str, list[int]]:
    """The places of each domain, and of `in_domain` and `out_of_domain`; a text without a domain is in none.

    >>> places_by_domain(["cnn", "reddit", "", "race"])
    {'cnn': [0], 'race': [3], 'reddit': [1], 'in_domain': [0, 3], 'out_of_domain': [1]}
    """
    found = {
        domain: [place for place, each in enumerate(domains) if each == domain]
        for domain in sorted(set(domains) - {""})
    }
    for name, members in (("in_domain", _IN_DOMAIN), ("out_of_domain", _OUT_OF_DOMAIN)):
        if places := [place for place, each in enumerate(domains) if each in members]:
            found[name] = places
    return found


def means_by_domain(
    domains: Sequence[str], scores: Sequence[Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Domain -> metric -> mean. scores: of each text."""
    return {
        domain: {
            metric: sum(scores[place][metric] for place in places) / len(places)
            for metric in scores[0]
        }
        for domain, places in places_by_domain(domains).items()
    }
