//! A key in a file, in the form of ZeroMQ's certificates: CZMQ and pyzmq read it, too.

use protocol::{KeyPair, PublicKey};

const PUBLIC: &str = "public-key";
const SECRET: &str = "secret-key";

pub fn public_text(role: &str, key: &PublicKey) -> String {
    format!(
        "# The public key of a Casparian Flow {role}.\nmetadata\ncurve\n    {PUBLIC} = \"{key}\"\n"
    )
}

pub fn secret_text(role: &str, keys: &KeyPair) -> String {
    format!(
        "# The secret key of a Casparian Flow {role}: whoever has it can pretend to be it.\nmetadata\ncurve\n    {PUBLIC} = \"{}\"\n    {SECRET} = \"{}\"\n",
        keys.public,
        keys.secret.reveal()
    )
}

pub fn public_of(text: &str) -> Option<PublicKey> {
    field(text, PUBLIC)?.parse().ok()
}

pub fn pair_of(text: &str) -> Option<KeyPair> {
    let secret = field(text, SECRET)?.parse().ok()?;
    Some(KeyPair { public: public_of(text)?, secret })
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let value = line.trim().strip_prefix(name)?.trim_start().strip_prefix('=')?;
        value.trim().strip_prefix('"')?.strip_suffix('"')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::SecretKey;

    #[test]
    fn a_key_survives_its_file_and_the_public_file_has_no_secret() {
        let (public, secret) = (PublicKey::new([3; 32]), SecretKey::new([4; 32]));
        let keys = KeyPair { public, secret };
        assert_eq!(pair_of(&secret_text("worker", &keys)), Some(keys.clone()));
        let public = public_text("worker", &keys.public);
        assert_eq!((public_of(&public), pair_of(&public)), (Some(keys.public), None));
        assert!(!public.contains(&keys.secret.reveal()));
    }

    #[test]
    fn what_is_no_certificate_is_no_key() {
        for text in ["", "public-key = x", "public-key = \"short\"", "secret-key = \"\""] {
            assert_eq!((public_of(text), pair_of(text)), (None, None));
        }
    }
}
