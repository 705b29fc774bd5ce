"""Bytes to text: Unicode where they are, else the old encoding they are most surely written in.

A wrong guess is mojibake that nobody notices until a search finds nothing, so a poor guess is
refused with a remedy. Most old files are short and Western, where statistics fail and a look at
which letters stand where does not; the rest needs a language that charset-normalizer recognises.
"""

from __future__ import annotations

import codecs
import re

from indexer.errors import UndecodableAsset

_BOMS = (
    # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 64 * 1024
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROL = 0.01
"""Share of control characters above which a file is no text."""

_OLD_ENCODINGS = [
    *("cp1250", "iso8859_2", "cp1251", "koi8_r", "iso8859_5", "cp1253", "cp1254", "cp1255"),
    *("cp1256", "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp874"),
]
_SURE = 0.3
"""Coherence (0 to 1) from which charset-normalizer knows the language."""

_WESTERN_SIGNS = frozenset("€‚„…‰‹›‘’“”•–—™ ¡¢£§©«°±²³´µ·»¿×÷ª®¼½¾")
_WESTERN_LETTERS = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿŠšŽžŒœŸƒ")
_WRONG_PLACE = re.compile(r"[^\W\d_][¡¿¼½¾±²³¹ª¦¥¤¶][^\W\d_]|[^\W\d_]¹")
_MOST_ACCENTED = 0.3
_CJK = re.compile(r"[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff5e]")
_FEWEST_CJK, _LEAST_CJK_SHARE = 8, 0.95


def decode_text(data: bytes) -> str:
    """The text of a plain file, line ends as `\\n`.

    Raises `UndecodableAsset` for binary data, and where the encoding cannot be told for sure.
    """
    return _decoded(data).replace("\r\n", "\n").replace("\r", "\n")


def encoding_of(sample: bytes, *, whole: bool = False) -> str:
    """The encoding of a text by its beginning, or the `whole` of it; raises as `decode_text`."""
    for mark, encoding in _BOMS:
        if sample.startswith(mark):
            return encoding
    if b"\x00" in sample[:_SAMPLE]:
        return _wide_encoding(sample[:_SAMPLE])
    try:
        # the beginning may end within a character
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
    except UnicodeDecodeError:
        return _old_encoding(sample[:_SAMPLE])
    return "utf-8"


def without_surrogates(text: str) -> str:
    """The text with lone surrogates (which no store or encoder takes) as replacement characters."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _decoded(data: bytes) -> str:
    encoding = encoding_of(data, whole=True)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UndecodableAsset(
            f"The text begins as {encoding} and then does not: {error}. Save it as UTF-8."
        ) from error
    if _is_binary(text):
        raise _binary()
    return text


def _is_binary(text: str) -> bool:
    return len(_CONTROL.findall(text)) > _MOST_CONTROL * len(text)


def _binary() -> UndecodableAsset:
    return UndecodableAsset("The file holds binary data and no text.")


def _wide_encoding(sample: bytes) -> str:
    # text of Western scripts in UTF-16 has a zero in every other byte, on one side only
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    encoding = "utf-16-be" if even > odd else "utf-16-le"
    one_side = max(even, odd) > 0.4 * half and min(even, odd) < 0.01 * half + 1
    if len(sample) % 2 or not one_side or _is_binary(sample.decode(encoding, "replace")):
        raise _binary()
    return encoding


def _old_encoding(sample: bytes) -> str:
    if len(re.findall(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", sample)) > _MOST_CONTROL * len(sample):
        raise _binary()
    if _is_western(sample.decode("cp1252", "replace")):
        return "cp1252"
    encoding = _recognised(sample)
    if encoding is None:
        raise UndecodableAsset(
            "The text is not UTF-8 and its encoding cannot be told for sure; save it as UTF-8."
        )
    return encoding


def _is_western(text: str) -> bool:
    accented = [c for c in text if ord(c) > 127]
    letters = sum(c.isalpha() for c in text)
    known = all(c in _WESTERN_SIGNS or c in _WESTERN_LETTERS for c in accented)
    few = sum(c.isalpha() for c in accented) <= _MOST_ACCENTED * letters
    # š or ž beside ì, ø, ù or è is Czech or Slovak read wrongly
    central = any(c in text for c in "šž") and any(c in text for c in "ìøùè")
    return known and few and not central and _WRONG_PLACE.search(text) is None


def _recognised(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    # cut at a line so that no character of several bytes is cut in two
    cut = sample.rfind(b"\n") if len(sample) == _SAMPLE else -1
    best = from_bytes(sample[:cut] if cut > 0 else sample, cp_isolation=_OLD_ENCODINGS).best()
    if best is None:
        return None
    # cp1254 is nearly cp1252, which would have passed as Western: it is right for Turkish alone
    wrong = best.encoding == "cp1254" and best.language != "Turkish"
    sure = best.coherence >= _SURE and not wrong
    return best.encoding if sure or _is_cjk(str(best)) else None


def _is_cjk(text: str) -> bool:
    wide = [c for c in text if ord(c) > 127]
    found = sum(_CJK.match(c) is not None for c in wide)
    return found >= _FEWEST_CJK and found >= _LEAST_CJK_SHARE * len(wide)
