"""Duplicates: found, told apart, grouped, decided on, and planned for; nothing is ever deleted.

hashes        perceptual hashes, in all eight ways a picture may lie
fingerprints  the hash of every picture, each decoded once
candidates    pairs worth a closer look: neighbours in the Space, near hashes
views         small grey pictures and their keypoints
geometry      one picture laid upon another, and how alike they then are
surroundings  what is around a picture inside another one
verdicts      what a pair is, on that evidence
texts         the same for wordings
checking      all candidates, in parallel, memory bounded
groups        stars around the one to keep;  keeper: which one, and why
preview       how many pairs each threshold keeps
searching     the analysis: all of the above in order;  tables: as it is told
decisions     what people said, kept in the ledger
plans         what to do about it, written down;  chains: who stays for whom in the end
moving        a plan done and undone;  journal: what went where;  carrying: whole or not at all
accession     a folder that is not in the Collection, held against it
"""

from __future__ import annotations

from indexer.analysis.duplicates.parameters import AccessionParameters, DuplicateParameters
from indexer.analysis.method import Method, Outcome
from indexer.analysis.subject import Subject

__all__ = ["ACCESSION", "METHOD"]


def _run(subject: Subject, parameters: DuplicateParameters) -> Outcome:
    from indexer.analysis.duplicates.searching import search

    return search(subject, parameters)


def _check(subject: Subject, parameters: AccessionParameters) -> Outcome:
    from indexer.analysis.duplicates.accession import check

    return check(subject, parameters)


METHOD = Method(
    name="duplicates",
    promise="Find duplicates: copies, resized, cropped, turned and written-over ones, with proof.",
    parameters=DuplicateParameters,
    run=_run,
)

ACCESSION = Method(
    name="accession",
    promise="Check a folder before it is added: what of it is here already, and as what.",
    parameters=AccessionParameters,
    run=_check,
    least=1,
)
