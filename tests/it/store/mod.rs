//! The database: what was answered is there.

mod crashes;
mod database_file;
mod faults;
mod gone_callers;
mod hang_up;
mod long_keys;
mod upgrade;
