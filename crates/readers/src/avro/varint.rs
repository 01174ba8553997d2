//! Whole numbers as Avro writes them: zigzag, seven bits a byte.

/// The number, and what follows it; None where it does not end.
pub(crate) fn long(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut number: u64 = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((unzigzag(number), &bytes[at + 1..]));
        }
    }
    None
}

pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

pub(crate) fn write_long(number: i64, into: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while rest >= 0x80 {
        into.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for number in [0, 1, -1, 63, 64, -65, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            write_long(number, &mut bytes);
            bytes.push(7);
            assert_eq!(long(&bytes), Some((number, &[7][..])));
        }
        assert_eq!(long(&[0x80; 20]), None);
    }
}
