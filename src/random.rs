//! Chance: random values from the operating system's generator, and from nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `N` random bytes.
///
/// # Panics
/// Where the operating system has no randomness to give; nothing may go on without.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "without randomness no token may be made")]
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system's random generator answers");
    bytes
}

/// `N` random bytes in base64url (RFC 4648 section 5), without padding.
///
/// # Panics
/// As [`bytes`].
pub(crate) fn text<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<N>())
}
