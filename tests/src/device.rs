//! A device that keeps passkeys, in software: it makes one, and answers what it is asked, truly or not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{DerSignature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The person was there.
const PRESENT: u8 = 0x01;
/// The person was verified.
const VERIFIED: u8 = 0x04;
/// A new key comes along.
const ATTESTED: u8 = 0x40;

/// A device with one passkey. What it says of itself can be changed, as a liar would.
#[derive(Clone)]
pub struct Device {
    /// The page it believes to be on.
    pub origin: String,
    /// The name it believes to be asked by.
    pub rp_id: String,
    /// Whom its passkey is of.
    pub user: Vec<u8>,
    /// Whether it says whose its passkey is.
    pub names_user: bool,
    /// Whether it verifies its person.
    pub verifies: bool,
    /// How often it has proven something; a device that never counts stays at zero.
    pub counter: u32,
    /// Whether it counts.
    pub counts: bool,
    id: Vec<u8>,
    key: SigningKey,
}

impl Device {
    /// Makes a passkey as it is asked to, on a page of that origin; says so.
    ///
    /// # Panics
    /// When the options are none.
    pub fn make(origin: &str, options: &str, seed: u8) -> (Self, String) {
        let asked = parse(options);
        let device = Self {
            origin: origin.to_owned(),
            rp_id: asked["rp"]["id"].as_str().unwrap_or_default().to_owned(),
            user: decode(&asked["user"]["id"]),
            names_user: true,
            verifies: true,
            counter: 0,
            counts: true,
            id: Sha256::digest([seed, 1]).to_vec(),
            key: SigningKey::from_slice(&Sha256::digest([seed, 2])).unwrap_or_else(|_| unreachable!("a key")),
        };
        let says = device.made(options);
        (device, says)
    }

    /// Says that the passkey was made as it is asked to.
    pub fn made(&self, options: &str) -> String {
        let client = self.client("webauthn.create", &parse(options)["challenge"]);
        let point = self.key.verifying_key().to_encoded_point(false);
        let mut data = self.data(ATTESTED);
        data.extend([0; 16]);
        data.extend([0, self.id.len() as u8]);
        data.extend(&self.id);
        // A COSE key: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 32]);
        data.extend(point.x().into_iter().flatten());
        data.extend([0x22, 0x58, 32]);
        data.extend(point.y().into_iter().flatten());
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let mut attestation = vec![0xa3, 0x63];
        attestation.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x58");
        attestation.push(data.len() as u8);
        attestation.extend(data);
        self.says(json!({"clientDataJSON": encode(client), "attestationObject": encode(attestation)}))
    }

    /// Answers what it is asked.
    pub fn answer(&mut self, options: &str) -> String {
        if self.counts {
            self.counter += 1;
        }
        let client = self.client("webauthn.get", &parse(options)["challenge"]);
        let data = self.data(0);
        let signed = [data.as_slice(), Sha256::digest(&client).as_slice()].concat();
        let signature: DerSignature = self.key.sign(&signed);
        let mut response = json!({
            "clientDataJSON": encode(client), "authenticatorData": encode(data),
            "signature": encode(signature.as_bytes()),
        });
        if self.names_user {
            response["userHandle"] = encode(&self.user).into();
        }
        self.says(response)
    }

    /// What its passkey goes by, as the standard's JSON writes it.
    pub fn id(&self) -> String {
        encode(&self.id)
    }

    fn client(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false})
            .to_string()
            .into_bytes()
    }

    fn data(&self, more: u8) -> Vec<u8> {
        let verified = if self.verifies { VERIFIED } else { 0 };
        let mut data = Sha256::digest(&self.rp_id).to_vec();
        data.push(PRESENT | verified | more);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn says(&self, response: Value) -> String {
        json!({
            "id": encode(&self.id), "rawId": encode(&self.id), "type": "public-key", "response": response,
            "clientExtensionResults": {},
        })
        .to_string()
    }
}

fn parse(options: &str) -> Value {
    serde_json::from_str(options).unwrap_or_else(|error| unreachable!("options: {error}"))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn decode(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap_or_default()).unwrap_or_default()
}
