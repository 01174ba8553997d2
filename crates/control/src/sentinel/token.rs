//! Session tokens: 128 bits that nobody can guess.

use protocol::SessionToken;

/// Makes tokens from randomness that is handed in.
#[derive(Debug, Clone, Copy)]
pub struct Tokens {
    fill: fn(&mut [u8; 16]),
}

impl Tokens {
    pub fn new(fill: fn(&mut [u8; 16])) -> Self {
        Self { fill }
    }

    pub(super) fn fresh(&self) -> SessionToken {
        let mut bytes = [0; 16];
        (self.fill)(&mut bytes);
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        text.parse().expect("hexadecimal digits are a legal token")
    }
}
