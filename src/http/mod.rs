//! What jean answers over HTTP.

pub(crate) mod pages;
