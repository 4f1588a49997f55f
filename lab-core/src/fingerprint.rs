//! A number that tells two contents apart.

/// FNV-1a (Fowler, Noll and Vo, 1991) on eight bytes at a time: it tells changed data from the same, but is no
/// protection against somebody who wants two contents to look the same.
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x0000_0100_0000_01b3);
        // A product keeps the high bits to itself; the next numbers need them everywhere.
        self.0 ^= self.0 >> 32;
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words
            .iter()
            .for_each(|&word| self.number(u64::from_le_bytes(word)));
        rest.iter().for_each(|&byte| self.number(byte.into()));
        self.number(bytes.len() as u64);
    }

    pub(crate) fn floats(&mut self, values: &[f32]) {
        values
            .iter()
            .for_each(|value| self.number(value.to_bits().into()));
        self.number(values.len() as u64);
    }

    /// Sixteen hexadecimal digits.
    pub(crate) fn text(&self) -> String {
        format!("{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[&[u8]]) -> String {
        let mut fingerprint = Fingerprint::new();
        parts.iter().for_each(|part| fingerprint.bytes(part));
        fingerprint.text()
    }

    #[test]
    fn every_bit_the_order_and_the_borders_count() {
        let bytes: Vec<u8> = (0..100).collect();
        let whole = of(&[&bytes]);
        assert_eq!(whole, of(&[&bytes]));
        for bit in 0..800 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(of(&[&other]), whole, "bit {bit}");
        }
        assert_ne!(of(&[&bytes[..50], &bytes[50..]]), whole);
        assert_ne!(
            of(&[&bytes[8..16], &bytes[..8]]),
            of(&[&bytes[..8], &bytes[8..16]])
        );
        assert_ne!(of(&[&[0; 8]]), of(&[&[0; 16]]));
    }
}
