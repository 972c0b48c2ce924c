//! Clients: registration, metadata documents, authentication.

mod ageing;
mod assertion;
mod authenticate;
mod configuration;
mod document;
mod document_copies;
mod register;
