//! CURVE keys. Their text form is ZeroMQ's Z85: 40 characters for 32 bytes, none of them a quote, a backslash or a blank.

use std::fmt;
use std::str::FromStr;

const KEY_LEN: usize = 32;
const TEXT_LEN: usize = 40;
const ALPHABET: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// What is wrong with it is told without showing it: it may be a secret one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no CURVE key: expected {TEXT_LEN} characters of Z85, as `casparian keys` shows them"
)]
pub struct CurveKeyError;

/// Known to everybody who is to meet its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; KEY_LEN]);

/// Never shown, also not by `Debug`; only its file has it as text.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey([u8; KEY_LEN]);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    pub public: PublicKey,
    pub secret: SecretKey,
}

impl PublicKey {
    pub fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl SecretKey {
    pub fn new(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// For its file.
    pub fn reveal(&self) -> String {
        encode(&self.0)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(not shown)")
    }
}

impl FromStr for PublicKey {
    type Err = CurveKeyError;

    fn from_str(text: &str) -> Result<Self, CurveKeyError> {
        decode(text).map(Self)
    }
}

impl FromStr for SecretKey {
    type Err = CurveKeyError;

    fn from_str(text: &str) -> Result<Self, CurveKeyError> {
        decode(text).map(Self)
    }
}

fn encode(bytes: &[u8; KEY_LEN]) -> String {
    let mut text = String::with_capacity(TEXT_LEN);
    for group in bytes.as_chunks::<4>().0 {
        let value = u32::from_be_bytes(*group);
        let digits = [85u32.pow(4), 85u32.pow(3), 85u32.pow(2), 85, 1];
        text.extend(digits.map(|unit| char::from(ALPHABET[(value / unit % 85) as usize])));
    }
    text
}

fn decode(text: &str) -> Result<[u8; KEY_LEN], CurveKeyError> {
    if text.len() != TEXT_LEN {
        return Err(CurveKeyError);
    }
    let mut bytes = [0; KEY_LEN];
    for (group, to) in text.as_bytes().chunks(5).zip(bytes.as_chunks_mut::<4>().0) {
        let mut value: u64 = 0;
        for char in group {
            let digit = ALPHABET.iter().position(|one| one == char).ok_or(CurveKeyError)?;
            value = value * 85 + digit as u64;
        }
        *to = u32::try_from(value).map_err(|_| CurveKeyError)?.to_be_bytes();
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_has_the_text_that_zeromq_gives_it() {
        // The test vector of the ZeroMQ RFC 26.
        let text = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
        let key: PublicKey = text.parse().unwrap();
        assert_eq!(key.as_bytes()[..4], [0xbb, 0x88, 0x47, 0x1d]);
        assert_eq!(key.to_string(), text);
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        for text in ["", "short", &"~".repeat(40), &"#".repeat(40), &"é".repeat(20)] {
            let error = text.parse::<PublicKey>().unwrap_err().to_string();
            assert!(error.starts_with("this is no CURVE key"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_secret_key_is_never_shown() {
        let key = SecretKey::new([7; 32]);
        assert_eq!(format!("{key:?}"), "SecretKey(not shown)");
        assert_eq!(key.reveal().parse::<SecretKey>(), Ok(key));
    }

    proptest! {
        #[test]
        fn every_key_survives_its_text_form(bytes: [u8; 32]) {
            let key = PublicKey::new(bytes);
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }
    }
}
