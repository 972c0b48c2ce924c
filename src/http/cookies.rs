//! The journey's cookies: their names, and how they are set and parsed (RFC 6265, and `__Host-` of RFC 6265bis).
//!
//! Form tokens are bound to `browser`; `login-<id>` binds one journey to the browser that began it. All are HttpOnly and
//! SameSite=Lax, not Strict, since the browser must send them when the upstream sends it back.

use axum::http::{HeaderMap, HeaderValue, header};
use cookie::time::Duration;
use cookie::{Cookie, SameSite};

use crate::config::settings::Issuer;
use crate::flow::journey::form::LOGIN_LIFETIME;
use crate::flow::journey::load::Binding;
use crate::oauth::grant::RowId;
use crate::random;

/// How long the browser cookie lives after its last use.
const BROWSER_LIFETIME: Duration = Duration::hours(1);

/// The most journeys for which one browser keeps cookies.
const LOGINS_KEPT: usize = 4;

/// This server's cookies. Their names contain the prefix of the public URL, so that two deployments on one host do not
/// collide, and begin with `__Host-` if the public URL is https.
pub(crate) struct Cookies {
    stem: String,
    secure: bool,
}

/// The cookie that binds forms to a browser.
pub(crate) struct BrowserCookie {
    /// Its random value.
    pub value: String,
    /// The header that sets or renews it.
    pub header: HeaderValue,
}

impl Cookies {
    pub(crate) fn new(issuer: &Issuer) -> Self {
        let host = if issuer.is_https() { "__Host-" } else { "" };
        let prefix: String = issuer.prefix().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        Cookies { stem: format!("{host}jean{prefix}-"), secure: issuer.is_https() }
    }

    /// The name of the session layer's cookie.
    pub(crate) fn session(&self) -> String {
        format!("{}session", self.stem)
    }

    /// Whether browsers send the cookies by https only.
    pub(crate) fn secure(&self) -> bool {
        self.secure
    }

    /// The value of the `browser` cookie, if there is one.
    pub(crate) fn browser(&self, headers: &HeaderMap) -> Option<String> {
        let name = format!("{}browser", self.stem);
        parse(headers).find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
    }

    /// Sets or renews the `browser` cookie.
    pub(crate) fn keep_browser(&self, headers: &HeaderMap) -> BrowserCookie {
        let value = self.browser(headers).filter(|value| value.len() == 43);
        let value = value.unwrap_or_else(random::text::<32>);
        let header = self.build(&format!("{}browser", self.stem), &value, BROWSER_LIFETIME);
        BrowserCookie { value, header }
    }

    /// The binding of a journey, if this browser has its cookie.
    pub(crate) fn login(&self, headers: &HeaderMap, id: RowId) -> Option<Binding> {
        let name = self.login_name(id);
        parse(headers).find(|cookie| cookie.name() == name).map(|cookie| Binding::from_cookie(cookie.value()))
    }

    /// The headers that bind a new journey to this browser, and delete the cookies of the oldest ones.
    pub(crate) fn bind_login(&self, headers: &HeaderMap, id: RowId, binding: &Binding) -> Vec<HeaderValue> {
        let lifetime = Duration::seconds_f64(LOGIN_LIFETIME.as_secs_f64());
        let mut set = vec![self.build(&self.login_name(id), binding.expose(), lifetime)];
        let stem = format!("{}login-", self.stem);
        let mut kept: Vec<RowId> =
            parse(headers).filter_map(|cookie| RowId::parse(cookie.name().strip_prefix(&stem)?)).collect();
        kept.sort_unstable_by(|a, b| b.cmp(a));
        for old in kept.into_iter().skip(LOGINS_KEPT - 1) {
            set.push(self.build(&self.login_name(old), "", Duration::ZERO));
        }
        set
    }

    fn login_name(&self, id: RowId) -> String {
        format!("{}login-{id}", self.stem)
    }

    fn build(&self, name: &str, value: &str, max_age: Duration) -> HeaderValue {
        let cookie = Cookie::build((name, value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .max_age(max_age)
            .build();
        // Names and values are ASCII, since this server made them.
        HeaderValue::from_str(&cookie.to_string()).unwrap_or(HeaderValue::from_static(""))
    }
}

fn parse(headers: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(Cookie::split_parse)
        .filter_map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;

    fn issuer(text: &str) -> Issuer {
        Issuer::parse(text).unwrap()
    }

    #[test]
    fn cookies_have_the_host_prefix_where_https_and_keep_deployments_apart() {
        assert_eq!(Cookies::new(&issuer("https://a.example")).session(), "__Host-jean-session");
        assert_eq!(Cookies::new(&issuer("https://a.example/v2")).session(), "__Host-jean-v2-session");
        assert_eq!(Cookies::new(&issuer("http://localhost:8080")).session(), "jean-session");
        let cookies = Cookies::new(&issuer("https://a.example"));
        let BrowserCookie { value, header } = cookies.keep_browser(&HeaderMap::new());
        assert_eq!(
            header.to_str().unwrap(),
            format!("__Host-jean-browser={value}; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600")
        );
    }

    #[test]
    fn a_browser_keeps_its_value_and_the_newest_four_journeys() {
        let cookies = Cookies::new(&issuer("http://localhost:8080"));
        let BrowserCookie { value, .. } = cookies.keep_browser(&HeaderMap::new());
        let id = |n: i64| RowId::new(UnixTime(1_800_000_000 + n), [0; 4]);
        let logins: Vec<String> = (1..=5).map(|n| format!("jean-login-{}=x", id(n))).collect();
        let mut headers = HeaderMap::new();
        let text = format!("jean-browser={value}; {}", logins.join("; "));
        headers.insert(header::COOKIE, HeaderValue::from_str(&text).unwrap());
        assert_eq!(cookies.keep_browser(&headers).value, value);
        let set = cookies.bind_login(&headers, id(6), &Binding::from_cookie("b"));
        let dropped: Vec<_> = set.iter().skip(1).map(|set| set.to_str().unwrap().split('=').next().unwrap()).collect();
        assert_eq!(dropped, [format!("jean-login-{}", id(2)), format!("jean-login-{}", id(1))]);
    }
}
