//! Random values from the operating system's generator.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `N` random bytes in base64url (RFC 4648 section 5), without padding.
///
/// # Panics
/// If the operating system has no randomness to give.
pub fn text<const N: usize>() -> String {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system's random generator answers");
    URL_SAFE_NO_PAD.encode(bytes)
}
