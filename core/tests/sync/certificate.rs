//! An authority that certifies this machine: X.509 as far as a test of TLS needs it (RFC 5280, RFC 8410), valid until 2049.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_zebra::{SigningKey, VerificationKey};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BOOLEAN: u8 = 0x01;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTF8: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// Who certifies.
pub(crate) struct Authority {
    key: SigningKey,
    name: Vec<u8>,
}

impl Authority {
    pub(crate) fn new(number: u8) -> Self {
        Self { key: SigningKey::from([number; 32]), name: name(&format!("Authority {number}")) }
    }

    /// What is to be trusted, PEM.
    pub(crate) fn root(&self) -> Vec<u8> {
        let is_authority = der(SEQUENCE, &[&der(BOOLEAN, &[&[0xff]])]);
        let extension = extension(BASIC_CONSTRAINTS, &is_authority);
        pem("CERTIFICATE", &self.certify(&self.name, &self.key, &extension))
    }

    /// A certificate for 127.0.0.1 and its key, both PEM.
    pub(crate) fn certificate_of_this_machine(&self) -> (Vec<u8>, Vec<u8>) {
        let seed = [77; 32];
        let key = SigningKey::from(seed);
        let address = der(SEQUENCE, &[&der(0x87, &[&[127, 0, 0, 1]])]);
        let certificate = self.certify(&name("Server"), &key, &extension(ALTERNATIVE_NAME, &address));
        let seed = der(OCTETS, &[&der(OCTETS, &[&seed])]);
        let key = der(SEQUENCE, &[&der(INTEGER, &[&[0]]), &algorithm(), &seed]);
        (pem("CERTIFICATE", &certificate), pem("PRIVATE KEY", &key))
    }

    fn certify(&self, subject: &[u8], key: &SigningKey, extension: &[u8]) -> Vec<u8> {
        let version = der(0xa0, &[&der(INTEGER, &[&[2]])]);
        let times = [&der(UTC_TIME, &[b"200101000000Z"])[..], &der(UTC_TIME, &[b"491231235959Z"])];
        let public: [u8; 32] = VerificationKey::from(key).into();
        let public = der(SEQUENCE, &[&algorithm(), &der(BITS, &[&[0], &public])]);
        let extensions = der(0xa3, &[&der(SEQUENCE, &[extension])]);
        let serial = der(INTEGER, &[&[1]]);
        let issued =
            [&version, &serial, &algorithm(), &self.name, &der(SEQUENCE, &times), subject, &public, &extensions];
        let issued = der(SEQUENCE, &issued.map(|part| part as &[u8]));
        let signature = self.key.sign(&issued).to_bytes();
        der(SEQUENCE, &[&issued, &algorithm(), &der(BITS, &[&[0], &signature])])
    }
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [.., high, low] = content.len().to_be_bytes();
    let mut bytes = if content.len() < 128 { vec![tag, low] } else { vec![tag, 0x82, high, low] };
    if content.len() >= 128 && high == 0 {
        bytes = vec![tag, 0x81, low];
    }
    bytes.extend(content);
    bytes
}

fn algorithm() -> Vec<u8> {
    der(SEQUENCE, &[&der(OBJECT, &[ED25519])])
}

fn name(text: &str) -> Vec<u8> {
    let named = der(SEQUENCE, &[&der(OBJECT, &[COMMON_NAME]), &der(UTF8, &[text.as_bytes()])]);
    der(SEQUENCE, &[&der(SET, &[&named])])
}

fn extension(kind: &[u8], value: &[u8]) -> Vec<u8> {
    der(SEQUENCE, &[&der(OBJECT, &[kind]), &der(OCTETS, &[value])])
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")).into_bytes()
}
