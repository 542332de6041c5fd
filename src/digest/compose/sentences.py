"""Plain text in sentences, and cut so that no sentence is torn; Latin, Japanese, Arabic and Hindi marks."""

import re
import unicodedata

_WIDE_END = "。！？｡"
_CLOSERS = "\"'”’»）)」』】\\]"
#: Words that begin a sentence and no name: "the same time.The first" lost its space, "http.Client" has none.
_BEGIN = (
    "A|An|And|As|At|But|By|For|From|Here|How|I|If|In|It|Its|Most|My|No|Not|Of|On|Once|One|Or|Our|She|Since|So|Some"
    "|That|The|Their|Then|There|These|They|This|Those|To|We|What|When|Where|Which|While|Who|Why|With|You|Your"
)
_END = re.compile(
    f"[{_WIDE_END}]+[{_CLOSERS}]*|[.!?…؟।]+[{_CLOSERS}]*(?=\\s|$)|[.!?]+[)”](?=[A-Z])"
    f"|(?<=[a-z])[.!?](?=(?:{_BEGIN})(?:['’][a-z]+)? )"
)
_ABBREVIATIONS = (
    "e.g|i.e|et al|vs|cf|etc|approx|dr|mr|mrs|ms|prof|st|no|fig|eq|sec|inc|ltd|co|corp|jr|sr|u.s|u.k|a.m|p.m"
    "|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec"
).replace(".", r"\.")
_NOT_AN_END = re.compile(rf"\b(?:{_ABBREVIATIONS}|[a-z])\.$", re.IGNORECASE)
#: "ID. 3" and "No. 5" go on.
_SHORT_NAME = re.compile(r"\b[A-Z][A-Za-z]{0,2}\.$")
#: Written without spaces: Chinese and Japanese; and Thai, Lao, Burmese, Khmer.
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_SPACELESS = re.compile("[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_CLAUSE = re.compile(r"[,;:—–]\s|[、，；：]")


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of the text, each with its marks and without spaces around; the last may lack a mark."""
    found, start = [], 0
    for match in _END.finditer(text):
        piece = text[start : match.end()]
        if _goes_on(piece, text[match.end() :]):
            continue
        found.append(piece.strip())
        start = match.end()
    return tuple(piece for piece in [*found, text[start:].strip()] if piece)


def is_whole(sentence: str) -> bool:
    """True when it ends as a sentence does; "…" is the mark of one that its feed cut."""
    return re.search(f"[.!?؟।{_WIDE_END}][{_CLOSERS}]*$", sentence) is not None and not sentence.endswith(
        "..."
    )


def word_count(text: str) -> int:
    """How many words; where they are written without spaces, two characters count as one."""
    letters = len(_SPACELESS.findall(text))
    return len(_SPACELESS.sub(" ", text).split()) + letters // 2


def fit(pieces: tuple[str, ...], *, max_words: int, max_letters: int, max_sentences: int, alone: int) -> str:
    """As many whole sentences as fit, from the first that does; none is cut.

    A sentence that is too long may stand by itself with up to `alone` letters. Only what has no mark at its
    end, and so is no sentence, is cut and ends in "…".
    """
    for start, first in enumerate(pieces):
        if word_count(first) > max_words or len(first) > max(alone, max_letters):
            continue
        text = first
        for piece in pieces[start + 1 : start + max_sentences]:
            longer = join(text, piece)
            if word_count(longer) > max_words or len(longer) > max_letters:
                break
            text = longer
        return text
    return _cut(pieces[0], max_words, max_letters) if pieces and not is_whole(pieces[0]) else ""


def _goes_on(piece: str, rest: str) -> bool:
    """True when the mark was an abbreviation's, or what follows begins in lower case."""
    following = rest.lstrip()
    if piece[-1] in _WIDE_END or not following:
        return False
    if following[0].isdigit() and _SHORT_NAME.search(piece):
        return True
    return following[0].islower() or _NOT_AN_END.search(piece) is not None


def join(text: str, piece: str) -> str:
    """Two pieces of a text as one, with a space between where the script has spaces."""
    if not text:
        return piece
    return text + ("" if _WIDE.search(text[-2:]) or text[-1] in _WIDE_END else " ") + piece


def _cut(sentence: str, max_words: int, max_letters: int) -> str:
    """The start of a sentence up to a clause in its second half, else up to a word, with "…"."""
    end = min(len(sentence), max_letters - 1)
    while word_count(sentence[:end]) > max_words:
        end = _last_break(sentence, end)
    if end < len(sentence):
        clauses = [match.start() for match in _CLAUSE.finditer(sentence[:end]) if match.start() >= end // 2]
        end = clauses[-1] if clauses else _last_break(sentence, end)
    return sentence[:end].rstrip(" ,;:—–-、，；：.…") + "…"


def _last_break(sentence: str, end: int) -> int:
    """The last place before `end` where a line may break: a space, or between two whole letters."""
    space = sentence.rfind(" ", 0, end)
    if space > end // 2:
        return space
    end -= 1
    while end > 1 and (unicodedata.combining(sentence[end]) or "\u200d" in sentence[end - 1 : end + 1]):
        end -= 1
    return end
