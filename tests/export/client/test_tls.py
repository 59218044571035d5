"""Encrypted connections, with a certificate made here."""

import shutil
import ssl
import subprocess

import grpc
import pytest

from export.client import Client, ServerError
from export.client import retries as retries_module
from tests.export.client import fakes
from tests.export.client.fakes import FakeModel, spoken

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Files of a key and of a certificate of "localhost" that nobody else trusts."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return key, certificate


@pytest.fixture(params=["grpc", "rest"])
def server(request, certificate, monkeypatch):
    """Address of a server that speaks TLS only, and whether it is REST."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(retries_module.time, "sleep", lambda _: None)
    key, chain = certificate
    if request.param == "grpc":
        pair = key.read_bytes(), chain.read_bytes()
        credentials = grpc.ssl_server_credentials([pair])
        with fakes.grpc_server(FakeModel(), credentials=credentials) as address:
            yield address, False
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        with fakes.rest_server(FakeModel(), context) as address:
            yield address, True


def test_speaks_encrypted_with_a_given_certificate(server, certificate):
    address, rest = server
    with Client(address, rest=rest, tls=True, ca_file=certificate[1]) as client:
        assert len(client.speak("Hi.")[0]) == len(spoken("Hi."))


def test_unknown_certificate_is_refused(server):
    address, rest = server
    with (
        Client(address, rest=rest, tls=True, retries=1) as client,
        pytest.raises(ServerError, match=r"(?i)certificate.?verify.?failed"),
    ):
        client.speak("Hi.")
