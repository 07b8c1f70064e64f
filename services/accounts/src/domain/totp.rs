//! Codes of an authenticator app (RFC 6238): six digits, thirty seconds, one step early or late.

use jiff::Timestamp;
use totp_rs::{Builder, Secret};
use zeroize::Zeroizing;

/// Bytes of a secret, as RFC 4226 wants them for SHA-1.
pub const TOTP_SECRET_BYTES: usize = 20;

/// What an app and we share.
pub struct Totp(totp_rs::Totp);

/// The step of a code that fits. Each counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step(pub i64);

impl Totp {
    /// Of its secret; `None` when that is too short to be one.
    pub fn of(secret: &[u8]) -> Option<Self> {
        // What apps take without saying so: SHA-1, six digits, thirty seconds.
        let builder = Builder::new().with_secret(Secret::new(secret.into())).with_skew(1);
        builder.build().ok().map(Self)
    }

    /// The step of the code if it fits now, or did or will half a minute from now.
    pub fn step(&self, code: &str, now: Timestamp) -> Option<Step> {
        let time = u64::try_from(now.as_second()).ok()?;
        let code: Zeroizing<String> = Zeroizing::new(code.chars().filter(|c| !c.is_whitespace()).collect());
        let step = self.0.check(&code, time)?;
        i64::try_from(step).ok().map(Step)
    }
}

/// The secret as it is typed into an app.
pub fn totp_text(secret: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(Secret::new(secret.into()).to_base32())
}

/// The address that an app reads from a picture. It names the place and nobody: whoever sees the app sees that name.
pub fn totp_uri(secret: &[u8], place: &str) -> Zeroizing<String> {
    let place: String = place
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '-' })
        .collect();
    let secret = totp_text(secret);
    let settings = "algorithm=SHA1&digits=6&period=30";
    Zeroizing::new(format!("otpauth://totp/{place}?secret={}&issuer={place}&{settings}", *secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    const SECRET: &[u8] = b"12345678901234567890";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        let totp = Totp::of(SECRET).unwrap();
        // Appendix B of RFC 6238, the last six of eight digits.
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp.step(code, at(second)), Some(Step(second / 30)), "{second}");
        }
    }

    #[test]
    fn a_code_fits_one_step_early_and_late_and_says_which_step_it_is() {
        let totp = Totp::of(SECRET).unwrap();
        let (code, step) = ("050471", 1_111_111_111 / 30);
        let begins = step * 30;
        for second in [begins - 30, begins, begins + 29, begins + 59] {
            assert_eq!(totp.step(code, at(second)), Some(Step(step)), "{second}");
        }
        for second in [begins - 31, begins + 60, begins + 3600] {
            assert_eq!(totp.step(code, at(second)), None, "{second}");
        }
        assert_eq!(totp.step(" 050 471 ", at(begins)), Some(Step(step)));
        for other in ["", "050472", "50471", "+50471", "0504711", "\u{0660}50471", "a50471"] {
            assert_eq!(totp.step(other, at(begins)), None, "{other}");
        }
        assert_eq!(totp.step(code, Timestamp::MIN), None);
    }

    #[test]
    fn an_app_is_told_the_place_and_nobodys_name() {
        let uri = totp_uri(SECRET, "candor.example:8080");
        assert_eq!(
            uri.as_str(),
            "otpauth://totp/candor.example-8080?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=candor.example-8080\
             &algorithm=SHA1&digits=6&period=30"
        );
        assert!(Totp::of(b"too short").is_none());
    }
}
