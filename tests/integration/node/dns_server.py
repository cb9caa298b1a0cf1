"""A DNS server for cluster.local: Services' addresses from the API server, the node's registries.

Everything else does not exist. Run as `dns_server.py KUBECONFIG` inside of the node; it needs
nothing but Python.
"""

import base64
import json
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_AGAIN_SECONDS = 0.5
_ADDRESS = 1  # the type A
_NO_ERROR, _NO_SUCH_NAME = 0, 3


def answer(packet: bytes, known: dict[str, str]) -> bytes:
    """Answer one question (RFC 1035): an A record, an empty answer, or NXDOMAIN."""
    (ident,) = struct.unpack("!H", packet[:2])
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode("ascii", "replace"))
        at += 1 + packet[at]
    (kind,) = struct.unpack("!H", packet[at + 1 : at + 3])
    address = known.get(".".join(labels).lower())
    found = address if kind == _ADDRESS else None
    code = _NO_ERROR if address else _NO_SUCH_NAME
    head = struct.pack("!HHHHHH", ident, 0x8580 | code, 1, bool(found), 0, 0)
    record = b""
    if found:
        record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 1, 4) + socket.inet_aton(found)
    return head + packet[12 : at + 5] + record


def services(config: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Ask the API server once for all Services that have an address."""
    url = config["clusters"][0]["cluster"]["server"] + "/api/v1/services"
    asked = urllib.request.urlopen(url, context=_context(config), timeout=10)  # noqa: S310 - https
    with asked as response:
        items = json.load(response)["items"]
    for item in items:
        meta, address = item["metadata"], item["spec"].get("clusterIP", "None")
        if address not in ("", "None"):
            yield f"{meta['name']}.{meta['namespace']}.svc.cluster.local", address


def _context(config: dict[str, Any]) -> ssl.SSLContext:
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    data = {k: base64.b64decode(v) for k, v in {**cluster, **user}.items() if k.endswith("-data")}
    made = ssl.create_default_context(cadata=data["certificate-authority-data"].decode())
    with tempfile.NamedTemporaryFile() as both:
        both.write(data["client-certificate-data"] + data["client-key-data"])
        both.flush()
        made.load_cert_chain(both.name)
    return made


def _follow(config: dict[str, Any], known: dict[str, str]) -> None:
    while True:
        try:
            known.update(services(config))
        except OSError as error:
            print("services:", error, flush=True)
        time.sleep(_AGAIN_SECONDS)


def _serve_tcp(address: str, known: dict[str, str]) -> None:
    listening = socket.create_server((address, 53))
    while True:
        peer, _ = listening.accept()
        with peer:
            peer.settimeout(5)
            try:
                (size,) = struct.unpack("!H", peer.recv(2))
                reply = answer(peer.recv(size), known)
                peer.sendall(struct.pack("!H", len(reply)) + reply)
            except (OSError, IndexError, struct.error) as error:
                print("tcp:", error, flush=True)


def main(kubeconfig: Path, address: str, names: tuple[str, ...]) -> None:
    """Serve for ever, by UDP and TCP, on the node's own address."""
    config = json.loads(kubeconfig.read_text())
    known = dict.fromkeys(names, address)
    for target, arguments in ((_follow, (config, known)), (_serve_tcp, (address, known))):
        threading.Thread(target=target, args=arguments, daemon=True).start()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, 53))  # from 0.0.0.0 an answer would come from the bridge
    while True:
        packet, peer = udp.recvfrom(4096)
        try:
            udp.sendto(answer(packet, known), peer)
        except (OSError, IndexError, struct.error) as error:
            print("udp:", error, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], tuple(sys.argv[3:]))
