//! A hash that tells changed data from the same.

/// The 64-bit FNV-1a hash (Fowler, Noll and Vo, 1991) of words instead of bytes, in hexadecimal.
///
/// It does not protect against someone who wants two contents to look the same.
pub(crate) fn content_hash(words: impl IntoIterator<Item = u64>) -> String {
    let hash = words.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| {
        // The product moves bits only upwards; the shift brings them down again.
        let product: u64 = (hash ^ word).wrapping_mul(0x0100_0000_01b3);
        product ^ (product >> 32)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_the_order_and_the_length_count() {
        let words: Vec<u64> = (0..20).map(|i| i * 0x0123_4567_89ab_cdef).collect();
        let hash = |words: &[u64]| content_hash(words.iter().copied());
        for bit in 0..64 * words.len() {
            let mut other = words.clone();
            other[bit / 64] ^= 1 << (bit % 64);
            assert_ne!(hash(&other), hash(&words), "bit {bit}");
        }
        let reversed: Vec<u64> = words.iter().rev().copied().collect();
        assert_ne!(hash(&reversed), hash(&words));
        assert_ne!(hash(&[0]), hash(&[0, 0]));
    }
}
