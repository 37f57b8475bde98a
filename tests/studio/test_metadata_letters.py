"""Which texts were taken for Western ones and are none, and which Western ones are not doubted."""

# ruff: noqa: RUF001 - letters that look like others are what this is about

from __future__ import annotations

import pytest

from studio.collection.beside import decoded
from studio.collection.metadata.reading import Sidecar

TAGS = "masterpiece, best quality, 1girl, {}, upper body, detailed background"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("一个红发女人，穿着蓝色大衣", "gbk"),
        (TAGS.format("红发女人"), "gb18030"),
        (TAGS.format("红发"), "gbk"),
        ("猫，狗", "gbk"),
        ("一個紅髮女人，穿著藍色大衣", "big5"),
        (TAGS.format("紅髮"), "big5"),
        ("赤い髪の女性、青いコート", "euc-jp"),
        ("赤い髪の女性、青いコート", "shift-jis"),
        ("カット", "shift-jis"),
        ("アニメ、ショートヘア", "euc-jp"),
        (TAGS.format("赤い髪"), "euc-jp"),
        ("빨간 머리의 여자, 파란 코트", "euc-kr"),
        ("женщина с рыжими волосами", "cp1251"),
        ("женщина с рыжими волосами", "koi8-r"),
        ("кот и пёс", "cp1251"),
        (TAGS.format("рыжая"), "cp1251"),
        ("κόκκινα μαλλιά", "cp1253"),
        ("אישה עם שיער אדום", "cp1255"),
        ("ผู้หญิงผมแดง", "cp874"),
    ],
)
def test_other_encodings_are_told(text: str, encoding: str) -> None:
    assert Sidecar("a.txt", decoded(text.encode(encoding))).fault
    assert Sidecar("a.txt", decoded(text.encode())).fault is None


@pytest.mark.parametrize(
    "text",
    [
        "ein Mädchen aus Köln, müde, weiße Bluse, ÄÖÜ, Straßenfest – „schön“, überall",
        "ÜBERGRÖßE, FÜßE, ÖL, ‚Über‘",
        "une fille créée à l'été, où ça? … « É »—«À l'œuvre»",
        "été",
        "À",
        "niña española: ¿qué? ¡Sí! ñandú, güe",
        "moça com coração e ações",
        "smörgåsbord på öl, åå, hääyöaie",
        "þýða íþróttafélög, æði",
        "45°±2°, ½ cup, 10 €, ƒ/2.8, ƒ/4, µm² © Mara™",
        "…———•••• “…”—“É…",
    ],
)
def test_western_texts_are_read_as_they_are_and_not_doubted(text: str) -> None:
    assert decoded(text.encode("cp1252")) == text
    assert Sidecar("a.txt", text).fault is None
