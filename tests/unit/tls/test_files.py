"""Certificates in files: read again as they change, and never worse than before."""

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.unit.tls.cluster import START, Notes, handshake
from webhook.tls.files import Files
from webhook.tls.issue import authority, leaf, read_pair
from webhook.tls.pair import BadCertificate, Pair
from webhook.tls.rehearse import read_served
from webhook.tls.state import Timing

CA = authority(now=START, life=timedelta(days=900))


class Mounted:
    """A Secret volume as the kubelet makes it: two links through one that turns."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now, self.notes = folder, START, Notes()
        self.count = 0
        (folder / "tls.crt").symlink_to("..data/tls.crt")
        (folder / "tls.key").symlink_to("..data/tls.key")
        self.files = Files(
            folder / "tls.crt",
            folder / "tls.key",
            observer=self.notes,
            timing=Timing(clock=lambda: self.now),
        )

    def put(self, chain: bytes, key: bytes) -> None:
        self.count += 1
        version = self.folder / f"..{self.count}"
        version.mkdir()
        (version / "tls.crt").write_bytes(chain)
        (version / "tls.key").write_bytes(key)
        (self.folder / "..new").symlink_to(version.name)
        (self.folder / "..new").rename(self.folder / "..data")

    def look(self) -> None:
        assert asyncio.run(self.files.step()) == 10

    def serves(self, pair: Pair) -> bool:
        pem = ssl.DER_cert_to_PEM_cert(handshake(self.files.tls))
        return pem.strip() == pair.certificate.pem.strip()


@pytest.fixture
def mounted(tmp_path: Path) -> Mounted:
    return Mounted(tmp_path)


def pair(**life: int) -> Pair:
    return leaf(CA, names=["localhost"], now=START, life=timedelta(**(life or {"days": 90})))


def test_nothing_is_ready_until_the_files_are_there(mounted: Mounted) -> None:
    for _ in range(3):
        mounted.look()
        assert not mounted.files.state.ready
        assert "there is none to serve" in mounted.files.state.reason
        assert len(mounted.notes.notes) == 1  # the first time, and not again
    good = pair()
    mounted.put(good.chain, good.key)
    mounted.look()
    assert mounted.files.state.ready
    assert mounted.files.state.reason == ""
    assert mounted.files.state.expires_at == good.certificate.not_after
    assert mounted.serves(good)


def test_new_files_are_served_without_a_restart(mounted: Mounted) -> None:
    for good in (pair(), pair(days=30), pair()):
        mounted.put(good.chain, good.key)
        mounted.look()
        mounted.look()
        assert mounted.serves(good)
    assert [event for event, _ in mounted.notes.notes] == ["certificate-loaded"] * 3


OTHER = pair()
BAD: list[Callable[[Pair], tuple[bytes, bytes]]] = [
    lambda new: (new.chain, OTHER.key),
    lambda new: (new.chain, b""),
    lambda new: (b"garbage", new.key),
    lambda new: (new.chain[:200], new.key),
    lambda _new: (b"x" * (2 << 20), b""),
]


@pytest.mark.parametrize("bad", BAD)
def test_files_that_do_not_fit_leave_the_old_pair_serving(
    mounted: Mounted, bad: Callable[[Pair], tuple[bytes, bytes]]
) -> None:
    good, new = pair(), pair()
    mounted.put(good.chain, good.key)
    mounted.look()
    mounted.put(*bad(new))
    mounted.look()
    mounted.look()
    assert mounted.serves(good)
    assert mounted.files.state.ready
    (trouble,) = mounted.notes.named("certificate-failed")
    assert "the one before stays" in str(trouble["error"])
    assert "tls.crt" in str(trouble["error"])
    assert "PRIVATE" not in str(mounted.notes.notes)
    mounted.put(new.chain, new.key)
    mounted.look()
    assert mounted.serves(new)
    assert mounted.files.state.reason == ""


def test_an_expired_certificate_is_not_ready_and_not_taken(mounted: Mounted) -> None:
    good, short = pair(days=30), pair(hours=1)
    mounted.put(good.chain, good.key)
    mounted.look()
    mounted.now += timedelta(hours=2)
    mounted.put(short.chain, short.key)
    mounted.look()
    assert mounted.serves(good)
    assert "2026-01-01" in mounted.files.state.reason
    mounted.now += timedelta(days=40)
    mounted.look()
    assert not mounted.files.state.ready


def test_a_certificate_of_the_future_is_taken_when_its_time_comes(mounted: Mounted) -> None:
    later = START + timedelta(hours=5)
    future = leaf(CA, names=["localhost"], now=later, life=timedelta(days=90))
    mounted.put(future.chain, future.key)
    mounted.look()
    assert not mounted.files.state.ready
    mounted.now = later
    mounted.look()
    assert mounted.files.state.ready
    assert mounted.serves(future)


def test_going_back_to_the_old_files_is_no_trouble(mounted: Mounted) -> None:
    good = pair()
    mounted.put(good.chain, good.key)
    mounted.look()
    mounted.put(good.chain, OTHER.key)
    mounted.look()
    assert mounted.files.state.reason
    mounted.put(good.chain, good.key)
    mounted.look()
    assert mounted.files.state.reason == ""


async def test_the_files_are_read_again_and_again_until_somebody_cancels(tmp_path: Path) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise asyncio.CancelledError

    files = Files(tmp_path / "c", tmp_path / "k", observer=Notes(), timing=Timing(sleep=sleep))
    with pytest.raises(asyncio.CancelledError):
        await files.run()
    assert slept == [10, 10, 10]


def test_what_a_certificate_says_is_read_as_the_library_that_makes_them_reads_it() -> None:
    one = pair()
    assert read_served(one.chain, one.key).certificate == read_pair(one.chain, one.key).certificate
    both = one.chain + CA.chain
    assert read_served(both, one.key).chain == both


def test_a_key_with_a_password_is_refused_and_nobody_is_asked_for_it() -> None:
    one = pair()
    key = serialization.load_pem_private_key(one.key, None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    with pytest.raises(BadCertificate, match="can't be read"):
        read_served(one.chain, locked)


def test_a_certificate_that_is_none_for_a_server_is_refused_with_what_to_do() -> None:
    authority_alone = authority(now=START, life=timedelta(days=9))
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a client")])
    client = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(START + timedelta(days=9))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = client.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(BadCertificate) as caught:
        read_served(pem, private)
    assert "serverAuth" in caught.value.next_step
    with pytest.raises(BadCertificate, match="does not belong"):
        read_served(pem, authority_alone.key)


def test_files_need_nothing_of_what_makes_certificates() -> None:
    code = "import sys, webhook.tls.files; print('cryptography' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"
