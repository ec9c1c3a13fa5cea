"""Levels as software writes them that speaks another language than English. From the formats; pure.

PostgreSQL translates its levels by `lc_messages`, java.util.logging by the locale of its process, and both
are set to that of the country on many hosts.
"""
from __future__ import annotations

#: Of PostgreSQL: what it calls each of its levels, and each further part of a message.
_POSTGRES: dict[str, str] = {
    "ERROR": "FEHLER ERREUR ERRORE ERRO ОШИБКА 错误 エラー",
    "FATAL": "FATALE ВАЖНО 致命错误",
    "PANIC": "PANIK PANIQUE PANICO PÂNICO ПАНИКА 比致命错误还过分的错误",
    "WARNING": "WARNUNG ATTENTION ADVERTENCIA AVVERTENZA AVISO ПРЕДУПРЕЖДЕНИЕ 警告",
    "NOTICE": "HINWEIS NOTA NOTIFICA ЗАМЕЧАНИЕ 注意",
    "LOG": "JOURNAL СООБЩЕНИЕ 日志",
    "STATEMENT": "ANWEISUNG INSTRUCTION SENTENCIA ISTRUZIONE COMANDO ОПЕРАТОР 语句",
    "DETAIL": "DÉTAIL DETALLE DETTAGLI DETALHE ПОДРОБНОСТИ 详细信息",
    "HINT": "TIPP ASTUCE SUGERENCIA SUGGERIMENTO DICA ПОДСКАЗКА 提示",
    "CONTEXT": "ZUSAMMENHANG CONTEXTE CONTEXTO CONTESTO КОНТЕКСТ 上下文",
    "QUERY": "ANFRAGE REQUÊTE CONSULTA INTERROGAZIONE ЗАПРОС 查询",
}
#: Of java.util.logging.
_JAVA: dict[str, str] = {
    "SEVERE": "SCHWERWIEGEND GRAVE 严重 致命的",
    "WARNING": "WARNUNG AVERTISSEMENT ADVERTENCIA AVVERTENZA ADVERTÊNCIA 警告",
    "INFO": "INFORMATION INFOS INFORMACIÓN INFORMAZIONI INFORMAÇÕES 信息 情報",
}


def _turned(words: dict[str, str]) -> dict[str, str]:
    return {each: name for name, those in words.items() for each in those.split()}


#: Each such word in capitals → how the same is called in English.
ENGLISH: dict[str, str] = {**_turned(_POSTGRES), **_turned(_JAVA)}
#: The same words for a pattern, the longest first.
POSTGRES = "|".join(sorted(_turned(_POSTGRES), key=len, reverse=True))
JAVA = "|".join(sorted(_turned(_JAVA), key=len, reverse=True))
#: Those which say that something is wrong, whoever writes them.
_GRAVE = sorted((each for each, name in ENGLISH.items()
                 if name in ("ERROR", "FATAL", "PANIC", "WARNING", "SEVERE")), key=len, reverse=True)
WRONG = "|".join(_GRAVE)
#: Of these, which head a text and are no words of an English or Spanish sentence.
HEADING = "|".join(each for each in _GRAVE if each not in ("ATTENTION", "GRAVE", "FATALE", "PANICO"))
