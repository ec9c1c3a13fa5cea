"""Make a certificate: FOLDER NAME SIGNER FROM_DAYS TO_DAYS NAMES... The signer is made when it is not there."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

folder, name, by, begin, end = Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]), float(sys.argv[5])


def make(name: str, issuer: x509.Name | None, signer: ec.EllipticCurvePrivateKey | None, days: tuple[float, float], names: list[str]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0] if names else f"Partner Root {name}")])
    now = datetime.now(UTC)
    built = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer or subject).public_key(key.public_key())
             .serial_number(x509.random_serial_number())
             .not_valid_before(now + timedelta(days=days[0])).not_valid_after(now + timedelta(days=days[1]))
             .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True))
    if names:
        built = built.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
    made = built.sign(signer or key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


if not (folder / f"{by}.pem").exists():
    make(by, None, None, (-300, 3000), [])
root = x509.load_pem_x509_certificate((folder / f"{by}.pem").read_bytes())
key = serialization.load_pem_private_key((folder / f"{by}.key").read_bytes(), None)
make(name, root.subject, key, (begin, end), sys.argv[6:])
