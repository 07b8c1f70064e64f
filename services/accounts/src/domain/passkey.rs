//! Passkeys (WebAuthn, level 3): what is asked of a device, and whether its answer fits. User verification is required
//! everywhere, so a passkey counts as two factors: the device, and what unlocks it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use std::net::Ipv4Addr;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Uuid, Webauthn, WebauthnBuilder, WebauthnError,
};
use zeroize::Zeroizing;

/// Passkeys of one account at most.
pub const MOST_PASSKEYS: usize = 20;

/// Why an answer of a device is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It is none, or not to this challenge, place or passkey, or the person was not verified.
    Wrong,
    /// It would fit, but its counter went back: there may be a copy of the device.
    CountedBack,
}

/// A place that passkeys are for: the name and origin that devices sign.
pub struct Site(Webauthn);

/// What is asked: for the browser to hand to the device, and for us to keep until the answer.
pub struct Asked {
    /// Options in the JSON form of the standard (`PublicKeyCredentialCreationOptionsJSON` or
    /// `PublicKeyCredentialRequestOptionsJSON`).
    pub options: Zeroizing<String>,
    /// What the answer is checked against.
    pub state: Zeroizing<Vec<u8>>,
}

/// A passkey as it is kept.
pub struct KeptPasskey(Passkey);

/// A device's answer, not yet believed.
pub struct Answer(PublicKeyCredential);

/// An answer that fits.
pub struct Fit {
    /// The device's counter; zero for those that do not count.
    pub counter: u32,
    /// The passkey as it is from now on.
    pub passkey: KeptPasskey,
}

impl Site {
    /// Of the address that people type; `None` where it has no name: browsers want one, and take no number for it. On
    /// one's own machine the name is `localhost`, where the same pages are.
    pub fn of(public_url: &str) -> Option<Self> {
        let mut origin = Url::parse(public_url).ok()?;
        let is_loopback = match origin.host_str()? {
            "[::1]" => true,
            host => host.parse::<Ipv4Addr>().is_ok_and(|number| number.is_loopback()),
        };
        if is_loopback {
            origin.set_host(Some("localhost")).ok()?;
        }
        let name = origin.domain()?.to_owned();
        WebauthnBuilder::new(&name, &origin).and_then(WebauthnBuilder::build).ok().map(Self)
    }

    /// Asks a device for a new passkey that signs in without an address being typed. The device shows the name that its
    /// owner chose, and nobody's address: whoever looks at the device sees it.
    pub fn ask_for_new(&self, account_id: Uuid, name: &str, known: &[KeptPasskey]) -> Option<Asked> {
        let known = known.iter().map(|kept| kept.0.cred_id().clone()).collect();
        let (options, state) = self.0.start_passkey_registration(account_id, name, name, Some(known)).ok()?;
        let mut options = serde_json::to_value(options.public_key).ok()?;
        // The library leaves this to the device; without it nobody could sign in by the passkey alone.
        let selection = options.get_mut("authenticatorSelection")?;
        selection["residentKey"] = "required".into();
        selection["requireResidentKey"] = true.into();
        Some(Asked { options: json(&options)?, state: bytes(&state)? })
    }

    /// Reads the answer to [`Site::ask_for_new`].
    pub fn accept_new(&self, state: &[u8], answer: &str) -> Option<KeptPasskey> {
        let state: PasskeyRegistration = serde_json::from_slice(state).ok()?;
        let answer: RegisterPublicKeyCredential = serde_json::from_str(answer).ok()?;
        self.0.finish_passkey_registration(&answer, &state).ok().map(KeptPasskey)
    }

    /// Asks a device for a proof: with one of these passkeys, or with any that it has for this place.
    pub fn ask(&self, with: &[KeptPasskey]) -> Option<Asked> {
        let (options, state) = self.0.start_discoverable_authentication().ok()?;
        let mut options = serde_json::to_value(options.public_key).ok()?;
        let allowed = with.iter().map(|kept| serde_json::json!({"type": "public-key", "id": kept.id_text()}));
        options["allowCredentials"] = allowed.collect::<Vec<_>>().into();
        Some(Asked { options: json(&options)?, state: bytes(&state)? })
    }

    /// Checks the answer to [`Site::ask`] against the passkey that it names.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn check(&self, state: &[u8], answer: &Answer, kept: KeptPasskey) -> Result<Fit, Unfit> {
        let state: DiscoverableAuthentication = serde_json::from_slice(state).map_err(|_| Unfit::Wrong)?;
        let checked = self.0.finish_discoverable_authentication_v2(&answer.0, state, &kept.0);
        let checked = checked.map_err(|error| match error {
            WebauthnError::CredentialPossibleCompromise => Unfit::CountedBack,
            _ => Unfit::Wrong,
        })?;
        let mut passkey = kept;
        passkey.0.update_credential(&checked).ok_or(Unfit::Wrong)?;
        Ok(Fit { counter: checked.counter(), passkey })
    }
}

impl KeptPasskey {
    /// Takes a passkey back from where it was kept.
    pub fn stored(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().map(Self)
    }

    /// The passkey as it is kept.
    pub fn to_bytes(&self) -> Option<Zeroizing<Vec<u8>>> {
        bytes(&self.0)
    }

    /// What it is found by.
    pub fn id(&self) -> &[u8] {
        self.0.cred_id().as_ref()
    }

    /// Its id as the standard's JSON writes it.
    fn id_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.id())
    }
}

impl Answer {
    /// Reads a device's answer in the JSON form of the standard (`AuthenticationResponseJSON`).
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// The id of the passkey that it names.
    pub fn id(&self) -> &[u8] {
        &self.0.raw_id
    }

    /// Whether it says whose it is, and names this account. It must where nobody else has said so.
    pub fn names(&self, account_id: Uuid) -> Option<bool> {
        self.0.response.user_handle.as_deref().map(|named| named == account_id.as_bytes())
    }
}

fn json(value: &serde_json::Value) -> Option<Zeroizing<String>> {
    serde_json::to_string(value).ok().map(Zeroizing::new)
}

fn bytes(value: &impl Serialize) -> Option<Zeroizing<Vec<u8>>> {
    serde_json::to_vec(value).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn options(asked: &Asked) -> Value {
        serde_json::from_str(&asked.options).unwrap()
    }

    #[test]
    fn a_place_has_a_name() {
        for site in
            ["https://candor.example", "http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"]
        {
            assert!(Site::of(site).is_some(), "{site}");
        }
        for nowhere in ["https://192.0.2.7:8080", "https://[2001:db8::1]", "candor.example", ""] {
            assert!(Site::of(nowhere).is_none(), "{nowhere}");
        }
    }

    #[test]
    fn a_device_is_asked_for_a_passkey_that_finds_itself_and_verifies_its_person() {
        let site = Site::of("https://candor.example:8443").unwrap();
        let asked = site.ask_for_new(Uuid::from_u128(7), "My phone", &[]).unwrap();
        let wish = options(&asked);
        assert_eq!(wish["rp"]["id"], "candor.example");
        assert_eq!(wish["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(wish["authenticatorSelection"]["userVerification"], "required");
        assert_eq!(wish["attestation"], "none");
        assert_eq!(
            (&wish["user"]["name"], &wish["user"]["displayName"]),
            (&"My phone".into(), &"My phone".into())
        );
        assert_ne!(
            options(&site.ask_for_new(Uuid::from_u128(7), "a", &[]).unwrap())["challenge"],
            wish["challenge"]
        );
    }

    #[test]
    fn a_device_is_asked_for_a_proof_with_verification() {
        let wish = options(&Site::of("https://candor.example").unwrap().ask(&[]).unwrap());
        assert_eq!(
            (&wish["rpId"], &wish["userVerification"]),
            (&"candor.example".into(), &"required".into())
        );
        assert_eq!(wish["allowCredentials"], Value::Array(Vec::new()));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        assert!(Answer::parse("").is_none() && Answer::parse("{}").is_none());
        let site = Site::of("https://candor.example").unwrap();
        let asked = site.ask_for_new(Uuid::from_u128(7), "a", &[]).unwrap();
        assert!(site.accept_new(&asked.state, "{}").is_none() && site.accept_new(b"", "{}").is_none());
    }
}
