"""PDF files that act are told from those that only show something, however their names are written."""

import zlib

import pytest
import typst

from recupero.kernel import pdf_actions

ACTION = b"1 0 obj << /S %s /F (x) >> endobj\n"


def pdf(*objects: bytes) -> bytes:
    return b"%PDF-1.7\n" + b"\n".join(objects) + b"\n%%EOF"


def stream(head: bytes, packed: bytes) -> bytes:
    return b"2 0 obj << " + head + b" >> stream\n" + packed + b"\nendstream endobj\n"


@pytest.mark.parametrize(
    "name", [b"/JavaScript", b"/J#61vaScript", b"/Launch", b"/EmbeddedFile", b"/GoToE", b"/SubmitForm"]
)
def test_a_program_and_what_leaves_the_file_are_seen_plain_escaped_and_folded(name: bytes) -> None:
    assert pdf_actions.acts(pdf(ACTION % name))
    folded = zlib.compress(b"4 0 << /S " + name + b" >>")
    assert pdf_actions.acts(pdf(stream(b"/Type /ObjStm /Filter /FlateDecode", folded)))
    assert pdf_actions.acts(pdf(b"%stream\n", ACTION % name))  # the word alone hides nothing


def test_papers_that_only_show_something_pass() -> None:
    assert not pdf_actions.acts(typst.compile(b"= A paper\nwith /JavaScripting in its words"))
    assert not pdf_actions.acts(pdf(stream(b"/Subtype /Image", bytes(range(256)) * 800), ACTION % b"/URI"))
    folded = zlib.compress(b"4 0 << /Type /Page >>")
    assert not pdf_actions.acts(pdf(stream(b"/Type /ObjStm /Filter /FlateDecode", folded)))


def test_what_cannot_be_looked_through_passes_only_under_a_password() -> None:
    odd = stream(b"/Type /ObjStm /Filter /LZWDecode", b"\x80\x0b\x60")
    assert pdf_actions.acts(pdf(odd))
    assert not pdf_actions.acts(pdf(odd, b"trailer << /Encrypt 3 0 R >>"))
    bomb = zlib.compress(bytes(40 * 2**20))
    assert pdf_actions.acts(pdf(stream(b"/Type /ObjStm /Filter /FlateDecode", bomb)))
