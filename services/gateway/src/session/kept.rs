//! The code of an invitation, kept while its person signs in or registers.
//!
//! It rests in a cookie for a quarter of an hour at most: a form cannot carry it through registration, which goes by
//! mail, and an address would put it into logs and histories. Others may sit at the same browser before it is used. So
//! it is kept for one keeper, of whom nothing stands in the cookie but a MAC over keeper, time and code: to anybody else
//! it is nothing, and no other site and no neighbour can plant one.

use super::{Cookies, Visitor, root_of};
use crate::error::Problem;
use axum::http::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

/// Long enough for registering, mail included, and short enough that the next person finds nothing.
const SECONDS: i64 = 15 * 60;

/// Whom a code is kept for.
pub(crate) enum Keeper<'a> {
    /// Whoever is at this browser, as far as its cookies tell one visit from the next.
    Browser(&'a Visitor),
    /// Whoever registers and signs in with this e-mail address.
    Address(&'a str),
    /// Whoever signs in now, into a session that begins with this secret.
    Session(&'a str),
}

/// A kept code.
pub(crate) struct Kept {
    /// Until when it counts, in seconds since 1970.
    until: i64,
    /// The code.
    pub(crate) code: String,
}

impl Kept {
    /// A code that is kept from now on.
    pub(crate) fn new(code: String, now: Timestamp) -> Self {
        Self { until: now.as_second() + SECONDS, code }
    }
}

impl Visitor {
    /// Whether this browser keeps a code, whoever for.
    pub(crate) fn has_kept(&self) -> bool {
        self.kept.is_some()
    }
}

impl Cookies {
    /// The code that this browser keeps for a keeper, while it counts. Handing it on to another keeper lengthens nothing.
    pub(crate) fn kept(&self, visitor: &Visitor, keeper: &Keeper<'_>, now: Timestamp) -> Option<Kept> {
        let (text, mac) = visitor.kept.as_ref()?.rsplit_once('.')?;
        self.kept_mac(keeper, text).verify_slice(&URL_SAFE_NO_PAD.decode(mac).ok()?).ok()?;
        let (until, code) = text.split_once('.')?;
        let until = until.parse().ok().filter(|until| now.as_second() < *until)?;
        Some(Kept { until, code: String::from_utf8(URL_SAFE_NO_PAD.decode(code).ok()?).ok()? })
    }

    /// `Set-Cookie` value that keeps a code for a keeper.
    ///
    /// # Errors
    /// Only by a bug: what is set here always fits a header.
    pub(crate) fn keep(
        &self,
        kept: &Kept,
        keeper: &Keeper<'_>,
        now: Timestamp,
    ) -> Result<HeaderValue, Problem> {
        let text = format!("{}.{}", kept.until, URL_SAFE_NO_PAD.encode(&kept.code));
        let mac = URL_SAFE_NO_PAD.encode(self.kept_mac(keeper, &text).finalize().into_bytes());
        let left = (kept.until - now.as_second()).clamp(0, SECONDS);
        let value = self.set(self.kept_name(), &format!("{text}.{mac}"), &format!("; Max-Age={left}"));
        HeaderValue::from_str(&value).map_err(|_| Problem::internal())
    }

    /// `Set-Cookie` value after which no code is kept.
    pub(crate) fn drop_kept(&self) -> HeaderValue {
        self.end(self.kept_name())
    }

    fn kept_mac(&self, keeper: &Keeper<'_>, text: &str) -> Hmac<Sha256> {
        let (kind, secret) = match keeper {
            Keeper::Browser(Visitor { session: None, visit, .. }) => ("visit", visit.clone()),
            Keeper::Browser(Visitor { session: Some(_), root, .. }) => ("session", root.clone()),
            Keeper::Session(secret) => ("session", root_of(secret)),
            Keeper::Address(address) => ("address", address.trim().to_lowercase()),
        };
        let mut mac = self.mac_of("invitation", kind);
        for part in [&secret, text] {
            mac.update(&[0]);
            mac.update(part.as_bytes());
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Site;
    use axum::http::{HeaderMap, header};

    fn cookies() -> Cookies {
        Cookies::new(Site { origin: "https://candor.example".into(), secure: true }, [7; 32])
    }

    fn browser(cookies: &Cookies, cookie: &str) -> Visitor {
        cookies.visitor(&HeaderMap::from_iter([(header::COOKIE, cookie.parse().unwrap())]))
    }

    fn pair(cookie: &HeaderValue) -> String {
        cookie.to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    #[test]
    fn a_kept_code_comes_back_for_a_quarter_of_an_hour_and_only_as_it_was() {
        let (cookies, now) = (cookies(), "2026-03-10T07:30:00Z".parse::<Timestamp>().unwrap());
        let after = |seconds| now + jiff::SignedDuration::from_secs(seconds);
        let keeper = Keeper::Session("cs_alice");
        let set = cookies.keep(&Kept::new("ABCDE-fghij".into(), now), &keeper, now).unwrap();
        let text = set.to_str().unwrap();
        assert!(text.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=900"), "{text}");
        let found =
            |cookie: &str, now| cookies.kept(&browser(&cookies, cookie), &keeper, now).map(|kept| kept.code);
        assert_eq!(found(&pair(&set), after(899)).as_deref(), Some("ABCDE-fghij"));
        assert_eq!(found(&pair(&set), after(900)), None);
        let (until, longer) = ((now.as_second() + 900).to_string(), (now.as_second() + 9999).to_string());
        let later = pair(&set).replacen(&until, &longer, 1);
        assert_ne!(later, pair(&set));
        for planted in
            [later.as_str(), "__Host-candor-kept=1.QQ.QQ", "__Host-candor-kept=", "__Host-candor-kept=a"]
        {
            assert_eq!(found(planted, now), None, "{planted}");
        }
    }

    #[test]
    fn a_code_is_kept_for_one_and_for_nobody_else() {
        let (cookies, now) = (cookies(), "2026-03-10T07:30:00Z".parse::<Timestamp>().unwrap());
        let visit = |letter: &str| format!("__Host-candor-visit={}", letter.repeat(43));
        let (one, other) = (browser(&cookies, &visit("a")), browser(&cookies, &visit("b")));
        let keepers = [
            Keeper::Browser(&one),
            Keeper::Browser(&other),
            Keeper::Address("a@b.example"),
            Keeper::Address("c@b.example"),
            Keeper::Session("cs_alice"),
            Keeper::Session("cs_ben"),
            Keeper::Session("a@b.example"),
        ];
        for (place, keeper) in keepers.iter().enumerate() {
            let set = cookies.keep(&Kept::new("ABCDE".into(), now), keeper, now).unwrap();
            let visitor = browser(&cookies, &pair(&set));
            let good: Vec<_> =
                keepers.iter().map(|keeper| cookies.kept(&visitor, keeper, now).is_some()).collect();
            assert_eq!(good.iter().position(|good| *good), Some(place));
            assert_eq!(good.iter().filter(|good| **good).count(), 1, "keeper {place}");
            for said in ["a@b.example", "cs_alice", &"a".repeat(43)] {
                assert!(!set.to_str().unwrap().contains(said));
            }
        }
        let shouted = Keeper::Address(" A@B.example ");
        let set = cookies.keep(&Kept::new("ABCDE".into(), now), &shouted, now).unwrap();
        let kept = cookies.kept(&browser(&cookies, &pair(&set)), &keepers[2], now);
        let kept = kept.expect("an address is one, however it is written");
        // Handed on, it ends when it would have ended anyway.
        let later = now + jiff::SignedDuration::from_secs(600);
        let handed = cookies.keep(&kept, &keepers[4], later).unwrap();
        assert!(handed.to_str().unwrap().ends_with("; Max-Age=300"));
    }
}
