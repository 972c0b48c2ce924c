//! What checks read in a response.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use jean_testing::browser::Page;
use jean_testing::client::{Client, Tokens};

use crate::subject::ISSUER;

/// A header's text; empty if it is missing.
pub(super) fn header<'a>(page: &'a Page, name: &str) -> &'a str {
    page.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The body as JSON.
pub(super) fn json(page: &Page) -> Result<Value> {
    serde_json::from_str(&page.body).with_context(|| format!("{} answers {}: no JSON", page.url, page.status))
}

/// A list of texts in a document; empty if it is missing.
pub(super) fn list<'a>(document: &'a Value, name: &str) -> Vec<&'a str> {
    document[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The content of a part of a JWT, unverified: 0 is the header, 1 the claims.
pub(super) fn jwt_part(token: &str, part: usize) -> Result<Value> {
    let part = token.split('.').nth(part).context("no JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
}

/// The tokens, if the response has them.
pub(super) fn granted(tokens: Tokens) -> Result<Tokens> {
    ensure!(tokens.status == 200, "no tokens: {} {}", tokens.status, tokens.json);
    ensure!(!tokens.access().is_empty(), "no access token: {}", tokens.json);
    Ok(tokens)
}

/// Requires that the token endpoint rejected the request with this status and code.
pub(super) fn require_refusal(tokens: &Tokens, status: u16, error: &str) -> Result<()> {
    let found = (tokens.status.as_u16(), tokens.error());
    ensure!(found == (status, error), "{found:?} instead of {:?}", (status, error));
    Ok(())
}

/// Requires that an endpoint for programs rejected the request with this status and code, as JSON.
pub(super) fn problem(page: &Page, status: u16, error: &str) -> Result<()> {
    let found = json(page)?;
    let found = (page.status.as_u16(), found["error"].as_str().unwrap_or_default());
    ensure!(found == (status, error), "{found:?} instead of {:?}", (status, error));
    Ok(())
}

/// The parameters that the page carries to the client's redirect URI.
pub(super) fn redirect_params(page: &Page, client: &Client) -> Result<BTreeMap<String, String>> {
    let to = page.leads_to().with_context(|| format!("no answer to the client: {} {}", page.status, page.url))?;
    ensure!(to.starts_with(&client.redirect_uri), "the answer goes to {to}");
    Ok(page.redirect_params())
}

/// Requires that the client gets this error by redirect.
pub(super) fn require_redirect_error(page: &Page, client: &Client, error: &str) -> Result<()> {
    let answer = redirect_params(page, client)?;
    let found = answer.get("error").map(String::as_str).unwrap_or_default();
    ensure!(found == error, "error is {found:?} instead of {error:?}");
    ensure!(!answer.contains_key("code"), "there is a code beside the error");
    Ok(())
}

/// Requires a page with status 400, with no way to another server.
pub(super) fn dead_end(page: &Page) -> Result<()> {
    ensure!(page.status == 400, "the status is {}", page.status);
    ensure!(page.leads_to().is_none(), "it leads to {:?}", page.leads_to());
    ensure!(header(page, "content-type").starts_with("text/html"), "no page: {}", header(page, "content-type"));
    let out = page.body.split("href=\"").skip(1).find(|rest| rest.starts_with("http") && !rest.starts_with(ISSUER));
    ensure!(out.is_none(), "a link leads away");
    Ok(())
}

/// The parameters of a `WWW-Authenticate` challenge of the scheme Bearer, by name.
pub(super) fn challenge(page: &Page) -> Result<BTreeMap<String, String>> {
    let text = header(page, "www-authenticate");
    let parameters = text.strip_prefix("Bearer ").with_context(|| format!("no Bearer challenge: {text:?}"))?;
    let pair = |parameter: &str| {
        let (name, value) = parameter.trim().split_once('=')?;
        Some((name.to_owned(), value.strip_prefix('"')?.strip_suffix('"')?.to_owned()))
    };
    // None of the values holds a comma in front of a name, but descriptions may hold commas.
    let mut parts: Vec<String> = Vec::new();
    for piece in parameters.split(", ") {
        match parts.last_mut() {
            Some(last) if !last.ends_with('"') => *last = format!("{last}, {piece}"),
            _ => parts.push(piece.to_owned()),
        }
    }
    parts.iter().map(|part| pair(part).with_context(|| format!("no parameter: {part}"))).collect()
}

/// `code_challenge` of the method S256 for any text (RFC 7636 section 4.2).
pub(super) fn s256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()))
}
