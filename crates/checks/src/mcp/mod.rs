//! Authorization in the four revisions of MCP, as far as it goes beyond the RFCs that they name. What a revision asks for
//! goes on in the later ones, but for what is marked with its last.

mod v2025_03_26;
mod v2025_06_18;
mod v2025_11_25;
mod v2026_07_28;

use crate::row::Row;

pub(super) fn rows() -> Vec<Row> {
    [v2025_03_26::rows(), v2025_06_18::rows(), v2025_11_25::rows(), v2026_07_28::rows()].into_iter().flatten().collect()
}
