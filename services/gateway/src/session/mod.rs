//! Who is at the other end of a browser: cookies, and the proof that a form came from our own page.
//!
//! A signed-in browser holds the session's secret in a cookie; the session itself lives in accounts. Its secret is replaced
//! every day; what forms are proven by stays, so that one which lies open for long can still be sent. Another cookie is what
//! accounts know the browser by at the next sign-in. It opens nothing. A browser that is not signed in gets a
//! random visit cookie once it is shown a form, so that signing in is protected as well.

mod kept;

pub(crate) use kept::{Keeper, Kept};

use crate::config::{Site, is_loopback};
use crate::error::Problem;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// The header that carries the CSRF token of a script's request.
pub(crate) const CSRF_HEADER: &str = "x-csrf-token";

/// Reads and writes cookies, makes and checks CSRF tokens.
pub(crate) struct Cookies {
    site: Site,
    key: [u8; 32],
}

/// A browser as its cookies describe it.
#[derive(Clone)]
pub(crate) struct Visitor {
    /// The session's secret, if it has one. Whether it still works only accounts knows.
    pub(crate) session: Option<String>,
    /// What the tokens of this session's forms are made from: its first secret's hash, which stays when the secret is replaced.
    root: String,
    /// The visit cookie's value; fresh when it brought none.
    visit: String,
    visit_is_fresh: bool,
    /// The cookie with the kept code of an invitation, whoever it is kept for.
    kept: Option<String>,
    /// What this browser is known by to the accounts that signed in from it.
    pub(crate) device: String,
}

impl Cookies {
    /// For a site, with the key of its CSRF tokens.
    pub(crate) fn new(site: Site, key: [u8; 32]) -> Self {
        Self { site, key }
    }

    /// Whether the site is reached over TLS.
    pub(crate) fn secure(&self) -> bool {
        self.site.secure
    }

    /// Where people reach the site, as browsers write an origin.
    pub(crate) fn origin(&self) -> &str {
        &self.site.origin
    }

    /// The browser that sent these headers.
    pub(crate) fn visitor(&self, headers: &HeaderMap) -> Visitor {
        let session = cookie(headers, self.session_name()).filter(|value| value.len() <= 128);
        let (session, root) = session.map(parts).unzip();
        let brought = cookie(headers, self.visit_name()).filter(|visit| visit.len() == VISIT_LENGTH);
        let visit_is_fresh = brought.is_none();
        let kept = cookie(headers, self.kept_name()).filter(|kept| kept.len() <= 512);
        let device = cookie(headers, self.device_name()).filter(|device| device.len() <= 128);
        let visit = brought.unwrap_or_else(fresh_visit);
        Visitor {
            session,
            root: root.unwrap_or_default(),
            visit,
            visit_is_fresh,
            kept,
            device: device.unwrap_or_default(),
        }
    }

    /// The token every form of this visitor carries.
    pub(crate) fn csrf_token(&self, visitor: &Visitor) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(visitor).finalize().into_bytes())
    }

    /// Whether a token is this visitor's, compared in constant time.
    pub(crate) fn token_fits(&self, visitor: &Visitor, token: &str) -> bool {
        let token = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        self.mac(visitor).verify_slice(&token).is_ok()
    }

    fn mac(&self, visitor: &Visitor) -> Hmac<Sha256> {
        let (purpose, secret) = match &visitor.session {
            Some(_) => ("session", &visitor.root),
            None => ("visit", &visitor.visit),
        };
        self.mac_of(purpose, secret)
    }

    fn mac_of(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        // The key has the length of a block of the hash or less, so it always fits.
        let mut mac = Hmac::<Sha256>::new((&padded(&self.key)).into());
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac
    }

    /// Refuses a state-changing request that another site's page made, as far as the browser says.
    ///
    /// # Errors
    /// 403 when `Origin` or `Sec-Fetch-Site` names another site.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let fetch_site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        // Pages that send no referrer send `Origin: null` with their forms, our own included; older browsers send
        // none at all. Then `Sec-Fetch-Site` decides, and in browsers without it the token alone.
        let origin = headers.get(header::ORIGIN).filter(|origin| origin.as_bytes() != b"null");
        let own_origin = origin.is_none_or(|origin| self.is_own_origin(origin, headers));
        if own_origin && matches!(fetch_site, None | Some(b"same-origin")) {
            return Ok(());
        }
        let detail = "This came from another page than ours. Nothing was changed. Please open the page again and retry.";
        Err(Problem::new(StatusCode::FORBIDDEN, "CROSS_SITE", detail))
    }

    fn is_own_origin(&self, origin: &HeaderValue, headers: &HeaderMap) -> bool {
        if origin.as_bytes() == self.site.origin.as_bytes() {
            return true;
        }
        // On a developer's machine `localhost` and `127.0.0.1` are the same place.
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        !self.site.secure && is_loopback(name) && origin.as_bytes() == format!("http://{host}").as_bytes()
    }

    /// Checks what a script's request must carry to change anything with the browser's cookie.
    ///
    /// # Errors
    /// 403 when it comes from another site or without the token.
    pub(crate) fn check_script(&self, headers: &HeaderMap, visitor: &Visitor) -> Result<(), Problem> {
        self.check_origin(headers)?;
        let token = headers.get(CSRF_HEADER).and_then(|token| token.to_str().ok()).unwrap_or_default();
        if self.token_fits(visitor, token) {
            return Ok(());
        }
        let detail =
            "A change with the browser's cookie needs the page's token in X-CSRF-Token. Nothing was changed.";
        Err(Problem::new(StatusCode::FORBIDDEN, "CSRF_TOKEN_REQUIRED", detail))
    }

    /// `Set-Cookie` values after signing in. The cookie ends with the browser; the visit cookie has done its work.
    pub(crate) fn begin_session(&self, secret: &str) -> Result<[HeaderValue; 2], Problem> {
        let session = HeaderValue::from_str(&self.set(self.session_name(), secret, ""));
        Ok([session.map_err(|_| Problem::internal())?, self.end(self.visit_name())])
    }

    /// `Set-Cookie` value after a session's secret was replaced. Forms that were shown before can still be sent.
    ///
    /// # Errors
    /// When it cannot stand in a header.
    pub(crate) fn renew_session(&self, visitor: &Visitor, secret: &str) -> Result<HeaderValue, Problem> {
        let value = format!("{secret}{ROOTED}{}", visitor.root);
        let renewed = self.set(self.session_name(), &value, "");
        HeaderValue::from_str(&renewed).map_err(|_| Problem::internal())
    }

    /// `Set-Cookie` value by which accounts know this browser again: for a year, and through every signing out.
    ///
    /// # Errors
    /// When it cannot stand in a header.
    pub(crate) fn know_device(&self, token: &str) -> Result<HeaderValue, Problem> {
        let known = self.set(self.device_name(), token, "; Max-Age=31536000");
        HeaderValue::from_str(&known).map_err(|_| Problem::internal())
    }

    /// `Set-Cookie` value after signing out.
    pub(crate) fn end_session(&self) -> HeaderValue {
        self.end(self.session_name())
    }

    /// `Set-Cookie` value that keeps a fresh visit, if it is fresh and nobody is signed in.
    pub(crate) fn keep_visit(&self, visitor: &Visitor) -> Option<HeaderValue> {
        let keep = visitor.visit_is_fresh && visitor.session.is_none();
        keep.then(|| HeaderValue::from_str(&self.set(self.visit_name(), &visitor.visit, "")).ok()).flatten()
    }

    fn end(&self, name: &str) -> HeaderValue {
        let value = self.set(name, "", "; Max-Age=0");
        HeaderValue::from_str(&value).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    fn set(&self, name: &str, value: &str, more: &str) -> String {
        let secure = if self.site.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}")
    }

    /// `__Host-` keeps neighbours of the domain from planting the cookie; browsers demand `Secure` for it.
    fn session_name(&self) -> &'static str {
        if self.site.secure { "__Host-candor" } else { "candor-local" }
    }

    fn device_name(&self) -> &'static str {
        if self.site.secure { "__Host-candor-device" } else { "candor-local-device" }
    }

    fn visit_name(&self) -> &'static str {
        if self.site.secure { "__Host-candor-visit" } else { "candor-local-visit" }
    }

    fn kept_name(&self) -> &'static str {
        if self.site.secure { "__Host-candor-kept" } else { "candor-local-kept" }
    }
}

/// A key of 32 bytes as the block of 64 that HMAC makes of it anyway.
fn padded(key: &[u8; 32]) -> [u8; 64] {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    block
}

/// Between a session's secret and the root of its forms' tokens, in a cookie whose secret is not the session's first.
const ROOTED: char = '~';

/// The secret that a session's cookie holds, and the root of its forms' tokens.
fn parts(value: String) -> (String, String) {
    match value.split_once(ROOTED) {
        Some((secret, root)) => (secret.to_owned(), root.to_owned()),
        None => {
            let root = root_of(&value);
            (value, root)
        }
    }
}

/// The root of the tokens of forms, in a session that begins with this secret.
fn root_of(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::new().chain_update("forms of ").chain_update(secret).finalize())
}

const VISIT_LENGTH: usize = 43;

fn fresh_visit() -> String {
    let mut bytes = [0u8; 32];
    // Without randomness the visit is empty, and an empty one is never accepted back.
    match getrandom::fill(&mut bytes) {
        Ok(()) => URL_SAFE_NO_PAD.encode(bytes),
        Err(_) => String::new(),
    }
}

/// The value of a cookie. Two of one name are none: one of them may be planted.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = pairs
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, value)| *found == name && !value.is_empty());
    let (_, value) = values.next()?;
    values.next().is_none().then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(secure: bool) -> Cookies {
        let origin = if secure { "https://candor.example" } else { "http://127.0.0.1:8080" };
        Cookies::new(Site { origin: origin.into(), secure }, [7; 32])
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()));
        pairs.collect::<Vec<(axum::http::HeaderName, HeaderValue)>>().into_iter().collect()
    }

    #[test]
    fn production_cookies_carry_every_guard() {
        let [session, visit] = cookies(true).begin_session("cs_x").unwrap();
        assert_eq!(session, "__Host-candor=cs_x; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(visit, "__Host-candor-visit=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0");
        let [session, _] = cookies(false).begin_session("cs_x").unwrap();
        assert_eq!(session, "candor-local=cs_x; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_form_that_lies_open_outlives_the_secret_and_no_session() {
        let cookies = cookies(true);
        let with = |cookie: &HeaderValue| {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
            cookies.visitor(&headers(&[("cookie", &pair)]))
        };
        let mut visitor = with(&cookies.begin_session("cs_first").unwrap()[0]);
        let token = cookies.csrf_token(&visitor);
        for secret in ["cs_second", "cs_third"] {
            let renewed = cookies.renew_session(&visitor, secret).unwrap();
            assert!(renewed.to_str().unwrap().ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
            visitor = with(&renewed);
            assert_eq!(visitor.session.as_deref(), Some(secret));
            assert!(cookies.token_fits(&visitor, &token));
        }
        let next_session = with(&cookies.begin_session("cs_third").unwrap()[0]);
        assert!(!cookies.token_fits(&next_session, &token));
    }

    #[test]
    fn a_token_belongs_to_one_session_or_one_visit() {
        let cookies = cookies(true);
        let alice = cookies.visitor(&headers(&[("cookie", "a=b; __Host-candor=cs_alice")]));
        let bob = cookies.visitor(&headers(&[("cookie", "__Host-candor=cs_bob")]));
        let nobody = cookies.visitor(&headers(&[]));
        let token = cookies.csrf_token(&alice);
        assert!(cookies.token_fits(&alice, &token));
        for other in [&bob, &nobody] {
            assert!(!cookies.token_fits(other, &token));
        }
        assert!(!cookies.token_fits(&alice, ""));
        // A visit keeps its token once its cookie comes back.
        let kept = cookies.keep_visit(&nobody).unwrap();
        let back =
            cookies.visitor(&headers(&[("cookie", kept.to_str().unwrap().split(';').next().unwrap())]));
        assert!(cookies.token_fits(&back, &cookies.csrf_token(&nobody)));
        assert!(cookies.keep_visit(&back).is_none());
    }

    #[test]
    fn two_cookies_of_one_name_are_none() {
        let visitor = cookies(true).visitor(&headers(&[("cookie", "__Host-candor=a; __Host-candor=b")]));
        assert!(visitor.session.is_none());
    }

    #[test]
    fn other_sites_are_refused_by_what_the_browser_says() {
        let secure = cookies(true);
        for (name, value, fits) in [
            ("origin", "https://candor.example", true),
            ("origin", "https://evil.example", false),
            ("origin", "null", true),
            ("origin", "http://candor.example", false),
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "cross-site", false),
            ("sec-fetch-site", "same-site", false),
            ("x-nothing", "x", true),
        ] {
            assert_eq!(secure.check_origin(&headers(&[(name, value)])).is_ok(), fits, "{name}: {value}");
        }
        let sandboxed = headers(&[("origin", "null"), ("sec-fetch-site", "cross-site")]);
        assert!(secure.check_origin(&sandboxed).is_err());
        let local = cookies(false);
        let localhost = headers(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")]);
        assert!(local.check_origin(&localhost).is_ok());
        let rebound = headers(&[("origin", "http://evil.example:8080"), ("host", "evil.example:8080")]);
        assert!(local.check_origin(&rebound).is_err());
        assert!(secure.check_origin(&localhost).is_err());
    }
}
