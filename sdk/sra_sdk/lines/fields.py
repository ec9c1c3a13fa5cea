"""Find time, level, service, host and message among named fields, by the habits of many loggers.

From jsonlines and logfmt; to Parsed. What is not one of these stays in the metadata.
"""
from __future__ import annotations

from functools import partial
from typing import Any, Optional

from .alerts import alert
from .journal import service_of
from .kubernetes import about
from .parsed import SYSLOG_LEVELS, Context, Parsed, level_name, name
from .stamps import Stamps, epoch

_MESSAGE = ("message", "msg", "MESSAGE", "event", "short_message", "@message", "@m", "@mt", "log", "text",
            "textPayload",
            "body", "Message", "RenderedMessage", "error", "err", "exception")
_LEVEL = ("levelname", "level_name", "level", "severity", "lvl", "log.level", "loglevel", "log_level",
          "@level",
          "severity_text", "severityText", "SeverityText", "Level", "LEVEL", "@l", "LogLevel",
          "error_severity", "sev", "s")
_TIME = ("timestamp", "time", "ts", "@timestamp", "@t", "asctime", "datetime", "date", "created", "t",
         "eventTime", "lastTimestamp", "instant", "dt",
         "Timestamp", "Time", "time_local", "time_iso8601", "@time", "startTime", "created_at", "when",
         "_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP")
_SERVICE = ("service", "service.name", "service_name", "serviceName", "SYSLOG_IDENTIFIER", "application",
            "app",
            "app_name", "container_name", "program", "appname", "_COMM")
_LOGGER = ("logger", "logger_name", "loggerName", "logger.name", "log.logger", "@logger", "name")
_HOST = ("host", "hostname", "host.name", "_HOSTNAME", "HOSTNAME", "host_name", "machine", "MachineName")
_TRACE = ("trace_id", "traceId", "trace.id", "traceID", "dd.trace_id", "otelTraceID", "TraceId")
#: Groups that the Elastic and OpenTelemetry schemas nest: group, member, the flat name.
_NESTED = (("log", "level", "log.level"), ("log", "logger", "log.logger"), ("service", "name",
                                                                            "service.name"),
           ("host", "name", "host.name"), ("trace", "id", "trace.id"), ("error", "message", "error.message"))


#: What Google's cloud and Rust's tracing put the program's own fields in.
_WRAPPERS = ("jsonPayload", "fields")

#: What others call the parts of a request: Google's cloud, and Caddy.
_CLOUD = (("status", "status"), ("requestMethod", "method"), ("requestUrl", "url"), ("remoteIp", "client"))
_CADDYS = (("method", "method"), ("uri", "uri"), ("host", "vhost"), ("client_ip", "client"),
           ("remote_ip", "client"))
_CADDY = "http.log.access"
_GATEWAYS = (("httpMethod", "method"), ("resourcePath", "path"), ("routeKey", "path"), ("ip", "client"),
             ("requestTime", "time"))
#: Where the path of a request stands.
_ASKED = ("request", "path", "uri", "request_uri", "url")

_REMEMBERED = 1000


class _Present:
    """Which of the names stand among fields with these keys, in the order in which they count."""

    __slots__ = ("host", "level", "logger", "message", "service", "time", "trace")

    def __init__(self, keys: tuple[str, ...]) -> None:
        there = frozenset(keys)
        self.message, self.level, self.time, self.service, self.logger, self.host, self.trace = (
            tuple(key for key in known if key in there)
            for known in (_MESSAGE, _LEVEL, _TIME, _SERVICE, _LOGGER, _HOST, _TRACE))


#: Programs write the same keys in each line, so what stands among them is found once.
_present: dict[tuple[str, ...], _Present] = {}


def _presence(fields: dict[str, Any]) -> _Present:
    keys = tuple(fields)
    found = _present.get(keys)
    if found is None:
        found = _Present(keys)
        if len(keys) <= 64 and len(_present) < _REMEMBERED:
            _present[keys] = found
    return found


#: Nextcloud's numbers, by which it tells the app and the request as well.
_NEXTCLOUD = ("debug", "info", "warning", "error", "critical")
#: Monolog's hundreds and Python's tens climb it from 1, pino's tens from 2.
_LADDER = ("debug", "debug", "info", "warning", "error", "critical")
#: OpenTelemetry's numbers, four to a level.
_OTEL = ("debug", "debug", "info", "warning", "error", "critical")


def from_fields(fields: dict[str, Any], text: str, context: Context, form: str) -> Parsed:
    """Take the known fields out of `fields`; `text` is the message when none says what happened."""
    for group, member, flat in _NESTED:
        inner = fields.get(group)
        if inner.__class__ is dict and inner.get(member).__class__ is str and flat not in fields:
            fields[flat] = inner.pop(member)
            if not inner:
                del fields[group]
    for wrapper in _WRAPPERS:
        if wrapper in fields and fields[wrapper].__class__ is dict:
            _unwrap(fields, wrapper)
    record = fields.get("record")
    if record.__class__ is dict and "text" in fields and record.get("level").__class__ is dict:
        _unfold(fields, record)
    if "alerts" in fields and (told := alert(fields)) is not None:
        at, whose = _time(fields, context.stamps, _TIME), name(told.service) or context.service
        return Parsed(at, told.level, whose, context.host, told.message, fields, form)
    if "httpRequest" in fields or "response_code" in fields or "request" in fields \
            or ("requestId" in fields and ("routeKey" in fields or "resourcePath" in fields)):
        _requested(fields)
    present = _presence(fields)
    form, of_service, of_host = _schema(fields, context, form)
    level = _level(fields, present.level)
    at = _time(fields, context.stamps, present.time)
    service = name(of_service) if of_service else _name(fields, present.service) or context.service
    host = name(of_host) if of_host else _name(fields, present.host) or context.host
    for key in present.logger:
        logger = fields.get(key)
        if logger.__class__ is str and logger:
            if key != "logger":
                del fields[key]
            fields["logger"] = logger
            if key == "name" and "." not in logger:
                service = service or name(logger)  # with bunyan and pino it is the program's
            if ".deprecation" in logger and level is not None:
                level = "warning"  # Elasticsearch calls critical what its next version will not do any more
            break
    for key in present.trace:
        trace = fields.get(key)
        if trace.__class__ is str and trace:
            if key != "trace_id":
                del fields[key]
            fields["trace_id"] = trace[:200]
            break
    message = None
    for key in present.message:
        value = fields.get(key)
        if value.__class__ is str and value:
            message = value
            if key not in ("error", "err", "exception"):
                del fields[key]
            break
    if message is None:
        message = _request(fields) or text
    return Parsed(at, level, service, host, message, fields, form)


def _schema(fields: dict[str, Any], context: Context, form: str) -> tuple[str, str, str]:
    """Return the format, and whose the fields are by it where their names tell that: service, host, or ""."""
    if "_SYSTEMD_UNIT" in fields or "UNIT" in fields:  # an entry of the journal
        return form, service_of(partial(_text, fields)), ""
    if "involvedObject" in fields or "regarding" in fields:  # an event of Kubernetes
        return form, *about(fields)
    if "request" in fields and "status" in fields and str(fields.get("logger")).startswith(_CADDY):
        return form, context.service or "caddy", ""
    if "error_severity" in fields and "backend_type" in fields:  # PostgreSQL's jsonlog
        return "postgresql", context.service or "postgresql", ""
    return form, "", ""


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key)
    return value if value.__class__ is str else ""


def _unwrap(fields: dict[str, Any], wrapper: str) -> None:
    """Put what is wrapped, a program's own fields, beside those around it, which go first."""
    payload = fields[wrapper]
    for key in tuple(payload):
        if key not in fields:
            fields[key] = payload.pop(key)
    if not payload:
        del fields[wrapper]


def _requested(fields: dict[str, Any]) -> None:
    """Name the parts of a request as others name them: those of Google's cloud, Envoy, Caddy and AWS."""
    cloud, caddy = fields.get("httpRequest"), fields.get("request")
    if cloud.__class__ is dict and cloud.get("status").__class__ is int:
        for theirs, ours in _CLOUD:
            if theirs in cloud and ours not in fields:
                fields[ours] = cloud.pop(theirs)
    elif "response_code" in fields and "status" not in fields:
        fields["status"] = fields.pop("response_code")
        if "start_time" in fields and "time" not in fields:
            fields["time"] = fields.pop("start_time")
        client = fields.get("downstream_remote_address")
        if client.__class__ is str and "client" not in fields:
            fields["client"] = client.rpartition(":")[0]
    elif caddy.__class__ is dict and "status" in fields and str(fields.get("logger")).startswith(_CADDY):
        # its message is the same for all: the request says more
        fields.pop("msg", None)
        for theirs, ours in _CADDYS:
            if theirs in caddy and ours not in fields:
                fields[ours] = caddy.pop(theirs)
    elif "requestId" in fields and "status" in fields:  # API Gateway, whose route stands for the path
        for theirs, ours in _GATEWAYS:
            if theirs in fields and ours not in fields:
                fields[ours] = fields.pop(theirs)
        route = fields.get("path")
        if route.__class__ is str and " /" in route:
            fields["path"] = route.partition(" ")[2]


def _unfold(fields: dict[str, Any], record: dict[str, Any]) -> None:
    """Put a record as loguru writes it in place of the text that repeats it."""
    level, time = record.pop("level"), record.pop("time", None)
    del fields["text"], fields["record"]
    fields.update(record)
    fields["level"] = level.get("name")
    if time.__class__ is dict:
        fields["timestamp"] = time.get("timestamp")


def _level(fields: dict[str, Any], keys: tuple[str, ...]) -> Optional[str]:
    for key in keys:
        value = fields.get(key)
        if value is None:
            continue
        if key == "sev" and not (value.__class__ is str and value.isalpha()):
            continue  # a number may count from either end
        if value.__class__ is str:
            level = level_name(value)
            if level is None and key == "s" and value[:1] == "D":
                level = "debug"
            if level is None and value.isdigit() and len(value) < 4:
                level = _numbered(int(value), fields)
        elif value.__class__ is int:
            level = _numbered(value, fields)
        else:
            continue
        if level is not None:
            del fields[key]
            fields.pop("levelno", None)
            return level
    number = fields.get("levelno")
    if number.__class__ is int:
        del fields["levelno"]
        return _python(number)
    number = fields.get("severityNumber", fields.get("severity_number", fields.get("SeverityNumber")))
    if number.__class__ is int and 0 < number <= 24:
        return _OTEL[(number - 1) // 4]
    priority = fields.get("PRIORITY", fields.get("priority"))
    if priority is not None and str(priority) in "01234567" and len(str(priority)) == 1:
        if str(priority) == "6" and fields.get("_TRANSPORT") == "stdout":
            return None  # the journal's own word for whatever a service prints
        return SYSLOG_LEVELS[int(priority)]
    return None


def _numbered(value: int, fields: dict[str, Any]) -> Optional[str]:
    """Read a number as the level of pino and bunyan, of Python, of monolog or of syslog."""
    if value < 0:
        return None
    if value <= 4 and "reqId" in fields and "app" in fields:
        return _NEXTCLOUD[value]
    if value <= 7:
        return SYSLOG_LEVELS[value]
    if value >= 100:
        return _LADDER[min(value // 100, 5)] if value <= 600 else None
    node = (value == 60 or "v" in fields or ("pid" in fields and "hostname" in fields)
            or ("msg" in fields and fields.get("time").__class__ is int))
    return _LADDER[min(max(value // 10 - 1, 1), 5)] if node else _python(value)


def _python(value: int) -> str:
    return _LADDER[min(max(value // 10, 0), 5)]


def _time(fields: dict[str, Any], stamps: Stamps, keys: tuple[str, ...]) -> Optional[int]:
    for key in keys:
        value = fields.get(key)
        if value is None:
            continue
        at: Optional[int] = None
        if value.__class__ is str:
            at = stamps.text(value)
        elif value.__class__ is int or value.__class__ is float:
            at = epoch(value)
        elif value.__class__ is dict:
            inner = value.get("$date")
            if inner.__class__ is str:
                at = stamps.text(inner)
            elif value.get("seconds").__class__ is int:
                at = epoch(value["seconds"])
                if at is not None and value.get("nanos").__class__ is int and 0 <= value["nanos"] < 10**9:
                    at += value["nanos"] // 1000
            elif value.get("epochSecond").__class__ is int:  # Log4j's
                at = epoch(value["epochSecond"])
                if at is not None and value.get("nanoOfSecond").__class__ is int:
                    at += min(max(value["nanoOfSecond"], 0), 10**9 - 1) // 1000
        if at is not None:
            del fields[key]
            return at
    return None


def _name(fields: dict[str, Any], keys: tuple[str, ...]) -> Optional[str]:
    for key in keys:
        value = fields.get(key)
        if value.__class__ is str and value:
            del fields[key]
            return name(value)
    return None


def _request(fields: dict[str, Any]) -> Optional[str]:
    """Make the message of an access line that was written as fields, in the common form."""
    path = next((fields[key] for key in _ASKED if fields.get(key) and fields[key].__class__ is str), None)
    if path is None or "status" not in fields:
        return None
    method = fields.get("method") or fields.get("request_method")
    asked = f"{method} {path}" if method.__class__ is str else path
    return f'"{asked}" {fields["status"]}'
