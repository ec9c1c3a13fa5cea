"""A partner's certificate ends or is for another name; clients in Python, Node and Java."""

from __future__ import annotations

import signal
import subprocess

import programs as p
from scenario import scenario
from world import HOME, World, quiet

CLIENT = {"rates.log": "rates", "quotes.log": "quotes", "parcels.log": "parcels"}


def certificate(w: World, name: str, *, ends: str = "20300101000000Z") -> None:
    """Make an authority and a certificate for a name that ends at a time."""
    folder = HOME / "tls"
    folder.mkdir(exist_ok=True)

    def run(*argv: str) -> None:
        subprocess.run(argv, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    if not (folder / "ca.pem").exists():
        run(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "900",
            "-subj",
            "/CN=Shop Internal CA",
        )
        (folder / "ca.conf").write_text(
            "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\nserial=serial\nunique_subject=no\ndefault_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n"
        )
        (folder / "index").touch()
        (folder / "serial").write_text("1000\n")
    run(
        "openssl",
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "site.key",
        "-out",
        "site.csr",
        "-subj",
        f"/CN={name}",
        "-addext",
        f"subjectAltName=DNS:{name}",
    )
    run(
        "openssl",
        "ca",
        "-batch",
        "-config",
        "ca.conf",
        "-cert",
        "ca.pem",
        "-keyfile",
        "ca.key",
        "-in",
        "site.csr",
        "-out",
        "site.pem",
        "-startdate",
        "20240101000000Z",
        "-enddate",
        ends,
    )


def tls_site(w: World, name: str) -> subprocess.Popen[bytes]:
    """nginx with TLS on 127.0.0.50:443, by the name rates.partner.example."""
    with open("/etc/hosts", "a") as hosts:
        hosts.write("127.0.0.50 rates.partner.example quotes.partner.example\n")
    certificate(w, name)
    conf = HOME / "nginx" / "tls.conf"
    conf.parent.mkdir(exist_ok=True)
    conf.write_text(f"""user www-data;
pid /run/tls.pid;
error_log {HOME}/log/partner-error.log notice;
events {{}}
http {{ access_log off; server {{ listen 127.0.0.50:443 ssl; ssl_certificate {HOME}/tls/site.pem; ssl_certificate_key {HOME}/tls/site.key;
  location / {{ default_type application/json; return 200 '{{"EUR": 1.08}}\\n'; }} }} }}
""")
    return w.spawn(["nginx", "-c", str(conf), "-g", "daemon off;"])


def client(w: World, name: str, *argv: str, **env: str) -> subprocess.Popen[bytes]:
    p.touch(f"{name}.log")
    return w.spawn(list(argv), cwd=HOME / "app", log=f"{name}.log", env=env, user="www-data")


def expires(w: World, site: subprocess.Popen[bytes]) -> None:
    """Let the partner's certificate be one that ended yesterday."""
    certificate(w, "rates.partner.example", ends="20260101000000Z")
    site.send_signal(signal.SIGHUP)


@scenario(
    "certificate_expired",
    ("rates", "rates.partner.example"),
    ("rates.log", "certificate has expired"),
    "rates.log",
    effects=("external_api_down", "error_burst"),
    extra=CLIENT,
)
def certificate_python(w: World) -> None:
    """The certificate of a partner's service ends; a Python client (requests) can no longer ask for rates."""
    site = tls_site(w, "rates.partner.example")
    client(
        w,
        "rates",
        p.PYTHON,
        "rates.py",
        "https://rates.partner.example/v1/rates",
        REQUESTS_CA_BUNDLE=str(HOME / "tls/ca.pem"),
    )
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    expires(w, site)
    w.sleep(40)


@scenario(
    "certificate_expired",
    ("quotes", "rates.partner.example"),
    ("quotes.log", "CERT_HAS_EXPIRED|certificate has expired"),
    "quotes.log",
    effects=("external_api_down", "error_burst"),
    extra=CLIENT,
)
def certificate_node(w: World) -> None:
    """The same end, seen by a Node client."""
    site = tls_site(w, "rates.partner.example")
    client(
        w,
        "quotes",
        "node",
        "quotes.js",
        "https://rates.partner.example/v1/quotes",
        NODE_EXTRA_CA_CERTS=str(HOME / "tls/ca.pem"),
    )
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    expires(w, site)
    w.sleep(40)


@scenario(
    "certificate_expired",
    ("parcels", "rates.partner.example"),
    ("parcels.log", "CertificateExpiredException|validity check failed|NotAfter"),
    "parcels.log",
    effects=("external_api_down", "error_burst"),
    extra=CLIENT,
)
def certificate_java(w: World) -> None:
    """The same end, seen by a Java client (HttpClient)."""
    site = tls_site(w, "rates.partner.example")
    quiet(
        "keytool",
        "-importcert",
        "-noprompt",
        "-alias",
        "ca",
        "-file",
        str(HOME / "tls/ca.pem"),
        "-keystore",
        str(HOME / "tls/trust.p12"),
        "-storepass",
        "changeit",
    )
    (HOME / "tls/trust.p12").chmod(0o644)
    subprocess.run(["javac", "-d", str(HOME / "app"), str(HOME / "app/Parcels.java")], check=True)
    client(
        w,
        "parcels",
        "java",
        "-Xmx48m",
        "-XX:+UseSerialGC",
        f"-Djavax.net.ssl.trustStore={HOME}/tls/trust.p12",
        "-Djavax.net.ssl.trustStorePassword=changeit",
        "-cp",
        str(HOME / "app"),
        "Parcels",
        "https://rates.partner.example/v1/parcels",
    )
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    expires(w, site)
    w.sleep(40)


@scenario(
    "certificate_expired",
    ("rates", "rates.partner.example"),
    ("rates.log", "(?i)hostname mismatch|doesn't match"),
    "rates.log",
    also=("external_api_down", "network_failure"),
    why_also="no class is for a certificate of a wrong name; the nearest is that of certificates",
    effects=("error_burst",),
    extra=CLIENT,
)
def certificate_wrong_name(w: World) -> None:
    """The partner renews its certificate for another name."""
    site = tls_site(w, "rates.partner.example")
    client(
        w,
        "rates",
        p.PYTHON,
        "rates.py",
        "https://rates.partner.example/v1/rates",
        REQUESTS_CA_BUNDLE=str(HOME / "tls/ca.pem"),
    )
    w.ready()
    w.measure(10)
    w.sleep(20)
    w.breaks()
    certificate(w, "www.partner.example")
    site.send_signal(signal.SIGHUP)
    w.sleep(40)
