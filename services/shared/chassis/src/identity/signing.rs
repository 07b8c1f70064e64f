//! The key that signs tokens.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey, pkcs8::DecodePrivateKey as _};
use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;

/// The key cannot sign.
#[derive(Debug, thiserror::Error)]
#[error("the signing key is not usable")]
pub struct SignError;

/// An Ed25519 key (RFC 8037) under its id, ready to sign. Reading one takes as long as a signature does, so it is read once.
pub struct TokenSigner {
    /// Of every token, as it stands in front of it.
    header: String,
    key: SigningKey,
}

impl TokenSigner {
    /// The key `key_id`; `pkcs8` is the private key in PKCS #8 DER.
    ///
    /// # Errors
    /// When it is not such a key.
    pub fn new(key_id: &str, pkcs8: &[u8]) -> Result<Self, SignError> {
        let header = Header { kid: Some(key_id.to_owned()), ..Header::new(Algorithm::EdDSA) };
        let key = SigningKey::from_pkcs8_der(pkcs8).map_err(|_| SignError)?;
        Ok(Self { header: part(&header)?, key })
    }

    /// The claims as a signed token: a JWS in its compact form (RFC 7515, section 3.1).
    ///
    /// # Errors
    /// When the claims are not JSON.
    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, SignError> {
        let mut token = format!("{}.{}", self.header, part(claims)?);
        let signature = self.key.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature.to_bytes(), &mut token);
        Ok(token)
    }
}

fn part(of: &impl Serialize) -> Result<String, SignError> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(of).map_err(|_| SignError)?))
}
