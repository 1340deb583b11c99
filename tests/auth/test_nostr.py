"""Nostr's keys, against what BIP-173, BIP-340 and NIP-19 print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socialkit.auth._nostr import (
    ORDER,
    NostrKey,
    bech32_decode,
    bech32_encode,
    public_key,
    to_bytes,
    to_words,
)
from socialkit.errors import LoginFailed

NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
NSEC_HEX = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa"
NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
NPUB_HEX = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"
LONG = "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio"


# --- bech32 -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("A12UEL5L", "a"),
        ("a12uel5l", "a"),
        (f"{LONG}1tt5tgs", LONG),
        ("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "abcdef"),
        (f"11{'q' * 82}c8247j", "1"),
        ("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "split"),
        ("?1ezyfcl", "?"),
    ],
)
def test_what_bip_173_calls_valid_is_read_and_written_back(text: str, prefix: str) -> None:
    found, words = bech32_decode(text)
    assert found == prefix
    assert bech32_encode(found, words) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        " 1nwldj5",
        "\x7f1axkwrx",
        "\x801eym55h",
        "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
        "pzry9x0s0muk",
        "1pzry9x0s0muk",
        "x1b4n0q5v",
        "li1dgmt3",
        "de1lg7wt\xff",
        "A1G7SGD8",
        "10a06t8",
        "1qzzfhee",
        "a12UEL5L",
        "A12uEL5L",
    ],
)
def test_what_bip_173_calls_invalid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        bech32_decode(text)


def test_words_that_do_not_end_in_zeros_are_no_bytes() -> None:
    assert to_bytes(to_words(b"\xff")) == b"\xff"
    with pytest.raises(ValueError, match="last word"):
        to_bytes([31, 29])
    with pytest.raises(ValueError, match="last word"):
        to_bytes([31, 28, 0])


@given(st.binary(max_size=40))
def test_bytes_come_back_from_their_words(data: bytes) -> None:
    assert to_bytes(bech32_decode(bech32_encode("nsec", to_words(data)))[1]) == data


# --- keys -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("secret", "public"),
    [
        ("0" * 63 + "3", "F9308A019258C31049344F85F89D5229B531C845836F99B08601F113BCE036F9"),
        (
            "B7E151628AED2A6ABF7158809CF4F3C762E7160F38B4DA56A784D9045190CFEF",
            "DFF1D77F2A671C5F36183726DB2341BE58FEAE1DA2DECED843240F7B502BA659",
        ),
        (
            "C90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B14E5C9",
            "DD308AFEC5777E13121FA72B9CC1B7CC0139715309B086C960E18FD969774EB8",
        ),
        (
            "0B432B2677937381AEF05BB02A66ECD012773062CF3FA2549E44F58ED2401710",
            "25D1DFF95105F5253C4022F628A996AD3A0D95FBF21D468A1B33F8C160D8F517",
        ),
    ],
)
def test_the_public_keys_of_bip_340_follow_from_the_secret_ones(secret: str, public: str) -> None:
    assert public_key(bytes.fromhex(secret)).hex() == public.lower()
    assert NostrKey.read(secret).public == public.lower()


def test_the_keys_of_nip_19_are_read_and_written() -> None:
    assert NostrKey.read(NSEC).secret == NSEC_HEX
    assert NostrKey.read(NSEC.upper()) == NostrKey.read(NSEC) == NostrKey.read(NSEC_HEX)
    assert NostrKey.read(f"nostr:{NSEC}") == NostrKey.read(NSEC)
    assert bech32_decode(NPUB) == ("npub", to_words(bytes.fromhex(NPUB_HEX)))
    assert bech32_encode("npub", to_words(bytes.fromhex(NPUB_HEX))) == NPUB


def test_a_key_never_shows_its_secret() -> None:
    key = NostrKey.read(NSEC)
    assert NSEC_HEX not in repr(key)
    assert key.npub in repr(key)


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        (NPUB, "public key"),
        (NPUB.upper(), "public key"),
        (f"nostr:{NPUB}", "public key"),
        ("nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8g", "public profile"),
        ("ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtc", "not supported"),
        ("bunker://7e7e9c42?relay=wss://relay.example.com&secret=abc", "not supported"),
        ("nostrconnect://7e7e9c42?relay=wss://relay.example.com", "not supported"),
        ("note1p20lq08k59t547kgv69jdu2xaup2uawphzklqyls6wd2thc2q70sl73lxz", "address of a note"),
        (NSEC[:-1], "typing error"),
        (NSEC[:-1] + "6", "typing error"),
        (NSEC[:20] + NSEC[20:].upper(), "typing error"),
        (bech32_encode("nsec", to_words(b"\1" * 31)), "length"),
        ("0" * 64, "out of range"),
        (f"{ORDER:064x}", "out of range"),
        (NSEC_HEX[:-1], "64 hexadecimal"),
        ("", "64 hexadecimal"),
        ("nsec", "typing error"),
    ],
)
def test_what_is_no_private_key_is_called_by_its_name(pasted: str, words: str) -> None:
    with pytest.raises(LoginFailed, match=words) as failed:
        NostrKey.read(pasted)
    assert failed.value.reason == "invalid"
    assert len(pasted) < 10 or pasted[10:] not in str(failed.value)


@given(
    st.text()
    | st.text("0123456789abcdef", min_size=64, max_size=64)
    | st.just("nsec1").flatmap(
        lambda head: st.text("qpzry9x8gf2tvdw0s3jn54khce6mua7l1QN", max_size=70).map(lambda rest: head + rest)
    )
)
def test_any_text_is_a_key_or_an_error_in_words(pasted: str) -> None:
    assert reason(pasted) in (None, "invalid")


def reason(pasted: str) -> str | None:
    """Why a key was refused; None when it was read."""
    try:
        key = NostrKey.read(pasted)
    except LoginFailed as failed:
        return failed.reason
    return None if NostrKey.read(key.secret) == key else "read as another key"
