//! A server's response: a page, the address that it leads to, and the form that can be sent from it.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use url::Url;

/// A response.
#[derive(Clone, Debug)]
pub struct Page {
    /// The address that was requested.
    pub url: String,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Page {
    /// The address that it leads to by itself, by a redirect or a refresh.
    pub fn leads_to(&self) -> Option<String> {
        if let Some(location) = self.headers.get(header::LOCATION) {
            return location.to_str().ok().map(str::to_owned);
        }
        let (_, rest) = self.body.split_once("http-equiv=\"refresh\" content=\"")?;
        let (content, _) = rest.split_once('"')?;
        content.split_once("url=").map(|(_, url)| unescape(url))
    }

    /// The query parameters of the address that it leads to: the answer to a client.
    pub fn redirect_params(&self) -> BTreeMap<String, String> {
        let Some(url) = self.leads_to().and_then(|url| Url::parse(&url).ok()) else { return BTreeMap::new() };
        url.query_pairs().into_owned().collect()
    }

    /// The page's first form.
    pub fn form(&self) -> Form {
        let body = self.body.split_once("<form").map_or("", |(_, rest)| rest);
        let body = body.split_once("</form>").map_or(body, |(form, _)| form);
        let hidden = body.split("<input").skip(1).filter(|input| input.contains("type=\"hidden\""));
        Form {
            action: attribute(body, "action").unwrap_or_default(),
            hidden: hidden
                .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default())))
                .collect(),
            answers: body
                .split("<button")
                .skip(1)
                .filter_map(|button| attribute(button.split('>').next()?, "value"))
                .collect(),
        }
    }
}

/// A form of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Its target.
    pub action: String,
    /// Its hidden fields.
    pub hidden: Vec<(String, String)>,
    /// The values of its buttons.
    pub answers: Vec<String>,
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| unescape(value))
}

fn unescape(text: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
