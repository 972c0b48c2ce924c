//! Chance: the one function that makes random values, from the operating system's generator.

/// `N` random bytes.
///
/// # Panics
/// Where the operating system has no randomness to give; nothing may go on without.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[allow(clippy::expect_used, reason = "without randomness no token may be made")]
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system's random generator answers");
    bytes
}
