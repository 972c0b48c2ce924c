//! The shape of `jean.toml`.

pub mod settings;
