//! [`Jean`]: everything that is built once from a [`Config`](crate::Config), and the tasks in the background.

mod background;
mod builder;
#[cfg(feature = "builtin")]
mod builtin;
#[cfg(feature = "dev")]
mod dev;
mod error;
mod jean;
mod open;

pub use builder::Builder;
pub use error::{Error, UnknownMount};
pub use jean::{Jean, Provider};
