"""Languages: which recognition models read one, and what a model or a script tells of a line's language."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from pipelines.errors import OptionError
from pipelines.models import MODELS, Module


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Which languages each family of models reads, as PaddleOCR lists them, by ISO 639-1 code.
_LATIN = _codes(
    "af az bs ca cs cy da de en es et eu fi fr ga gl hr hu id is it ku la lb lt lv mi ms mt nl no oc pi pl pt"
    " qu rm ro sk sl sq sv sw tl tr uz vi"
)
_EAST_SLAVIC = _codes("be en ru uk")
_CYRILLIC = _EAST_SLAVIC | _codes("av ba bg ce cv kk kv ky mk mn os sr tg tt")
_CHINESE = _codes("en zh")
_EAST_ASIAN = _CHINESE | _codes("ja zh-Hant")

# What a model's name begins with (the longest that fits), what it reads, and the scripts it is made for.
_FAMILIES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "": (_CHINESE, _codes("")),
    "PP-OCRv5": (_EAST_ASIAN, _codes("")),
    "PP-OCRv6": (_EAST_ASIAN | _LATIN, _codes("")),
    "PP-OCRv6_tiny": (_CHINESE | _LATIN, _codes("")),
    "chinese_cht_": (_codes("zh-Hant"), _codes("Hani")),
    "japan_": (_codes("ja"), _codes("Hani Jpan")),
    "korean_": (_codes("ko"), _codes("Kore")),
    "en_": (_codes("en"), _codes("Latn")),
    "latin_": (_LATIN, _codes("Latn")),
    "arabic_": (_codes("ar en fa ps sd ug ur"), _codes("Arab")),
    "cyrillic_": (_CYRILLIC, _codes("Cyrl")),
    "eslav_": (_EAST_SLAVIC, _codes("Cyrl")),
    "devanagari_": (_codes("bh en hi mr ne sa"), _codes("Deva")),
    "el_": (_codes("el en"), _codes("Grek")),
    "ka_": (_codes("kn"), _codes("Knda")),
    "ta_": (_codes("ta"), _codes("Taml")),
    "te_": (_codes("te"), _codes("Telu")),
    "th_": (_codes("en th"), _codes("Thai")),
}
# The recognisers that are taken for a language, the best first.
_PREFERRED = (
    "PP-OCRv6_small_rec",
    "eslav_PP-OCRv5_mobile_rec",
    "cyrillic_PP-OCRv5_mobile_rec",
    "arabic_PP-OCRv5_mobile_rec",
    "devanagari_PP-OCRv5_mobile_rec",
    "korean_PP-OCRv5_mobile_rec",
    "el_PP-OCRv5_mobile_rec",
    "ta_PP-OCRv5_mobile_rec",
    "te_PP-OCRv5_mobile_rec",
    "th_PP-OCRv5_mobile_rec",
    "ka_PP-OCRv3_mobile_rec",
)
# What PaddleOCR and habit call some of them.
_MISNAMED = {
    "ch": "zh",
    "cn": "zh",
    "jp": "ja",
    "kr": "ko",
    "chinese_cht": "zh-Hant",
    "french": "fr",
    "german": "de",
    "japan": "ja",
    "korean": "ko",
    "rs_cyrillic": "sr",
    "rs_latin": "hr",
    "zh-hk": "zh-Hant",
    "zh-tw": "zh-Hant",
}
_OF_SCRIPT = {
    "Jpan": "ja",
    "Kore": "ko",
    "Grek": "el",
    "Knda": "kn",
    "Taml": "ta",
    "Telu": "te",
    "Thai": "th",
}


def recognisers_for(languages: Sequence[str], main: str) -> tuple[str, ...]:
    """The names of the recognition models that read these languages, `main` first.

    A language that `main`, or a model taken before, reads adds none.

    Args:
        languages: ISO 639-1 codes, `zh-Hant` for traditional Chinese, or names of recognition models, which
            are always taken.
        main: the name of the pipeline's own recognition model.

    Raises:
        OptionError: for what is neither, naming the nearest that is.
    """
    chosen = [main]
    for language in languages:
        if _is_recogniser(language):
            chosen += [language] if language not in chosen else []
        elif not any(language in languages_of(model) for model in chosen):
            chosen.append(_preferred(language))
    return tuple(chosen)


def languages_of(model: str) -> frozenset[str]:
    """What a recognition model reads."""
    return _family(model)[0]


def scripts_of(model: str) -> frozenset[str]:
    """The scripts a recognition model is made for, as ISO 15924 codes; empty when it reads many."""
    return _family(model)[1]


def language_of_model(name: str) -> str | None:
    """The one language that a recognition model was made for, or None when there are several."""
    own = languages_of(name) - {"en"} or languages_of(name)
    return next(iter(own)) if len(own) == 1 and scripts_of(name) else None


def language_of(script: str | None, model: str) -> str | None:
    """The language of a line in this script that this model read, or None where they do not tell it.

    An empty `model` stands for a line that none read.

    The script of kana tells Japanese; the Latin one only where the model reads nothing else. A Korean model
    that read a line in Latin letters does not make it Korean.
    """
    if script in scripts_of(model):
        return language_of_model(model) or _OF_SCRIPT.get(str(script))
    if script == "Hani":
        return None if not model or "ja" in languages_of(model) else "zh"
    return _OF_SCRIPT.get(str(script))


def _family(model: str) -> tuple[frozenset[str], frozenset[str]]:
    return _FAMILIES[max((start for start in _FAMILIES if model.startswith(start)), key=len)]


def _is_recogniser(name: str) -> bool:
    return name in MODELS and MODELS[name].module is Module.TEXT_RECOGNITION


def _preferred(language: str) -> str:
    found = next((model for model in _PREFERRED if language in languages_of(model)), None)
    if found is not None:
        return found
    near = _meant(language)
    hint = f"did you mean {near!r}?" if near else "give a code such as 'ja', or a recognition model's name"
    raise OptionError(f"languages: no recognition model for {language!r} is known; {hint}")


def _meant(language: str) -> str | None:
    codes = frozenset[str]().union(*(languages for languages, _ in _FAMILIES.values()))
    lower = language.lower()
    tag = lower.replace("_", "-")
    known = _MISNAMED.get(lower) or _MISNAMED.get(tag)
    if known is not None:
        return known
    same = [code for code in codes if code.lower() in (tag, tag.partition("-")[0])]
    near = get_close_matches(language, [*sorted(codes), *filter(_is_recogniser, MODELS)], n=1, cutoff=0.5)
    return next(iter([*sorted(same, key=len, reverse=True), *near]), None)
