//! Secrets that are random from end to end: only their hash is kept, so nothing that is stolen opens a door.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use std::marker::PhantomData;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What a secret is for, told by its first characters.
pub trait Purpose {
    /// The first characters, which let people and scanners of leaked secrets recognise one.
    const PREFIX: &'static str;
}

/// A session's secret: `cs_` and 256 random bits.
pub struct OfSession;
/// A verification mail's token: `cv_` and 256 random bits.
pub struct OfVerification;
/// A token to set a password anew with: `cp_` and 256 random bits.
pub struct OfReset;
/// What a certificate of erasure is found by: `ce_` and 256 random bits.
pub struct OfCertificate;
/// What half a sign-in is finished with: `ch_` and 256 random bits.
pub struct OfPending;
/// What a device's answer comes with: `ck_` and 256 random bits.
pub struct OfChallenge;
/// What a browser or client is known by once somebody signed in there: `cd_` and 256 random bits.
pub struct OfDevice;
/// What a mail holds that proves another address: `cn_` and 256 random bits.
pub struct OfNewAddress;
/// What a mail holds that puts an earlier address back: `cu_` and 256 random bits.
pub struct OfUndo;

impl Purpose for OfSession {
    const PREFIX: &'static str = "cs_";
}
impl Purpose for OfVerification {
    const PREFIX: &'static str = "cv_";
}
impl Purpose for OfReset {
    const PREFIX: &'static str = "cp_";
}
impl Purpose for OfCertificate {
    const PREFIX: &'static str = "ce_";
}
impl Purpose for OfPending {
    const PREFIX: &'static str = "ch_";
}
impl Purpose for OfChallenge {
    const PREFIX: &'static str = "ck_";
}
impl Purpose for OfDevice {
    const PREFIX: &'static str = "cd_";
}
impl Purpose for OfNewAddress {
    const PREFIX: &'static str = "cn_";
}
impl Purpose for OfUndo {
    const PREFIX: &'static str = "cu_";
}

/// 256 random bits with a purpose.
pub struct Secret<P>(Zeroizing<[u8; 32]>, PhantomData<P>);

impl<P> Clone for Secret<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

/// What a browser or client holds of a session.
pub type SessionSecret = Secret<OfSession>;
/// What a verification mail holds.
pub type VerificationToken = Secret<OfVerification>;
/// What a mail holds that lets a password be set anew.
pub type ResetToken = Secret<OfReset>;
/// What a certificate of erasure is found by, once nobody has the account any more.
pub type CertificateCode = Secret<OfCertificate>;
/// What somebody holds whose password was right and whose second factor is still to come.
pub type PendingToken = Secret<OfPending>;
/// What somebody holds whose device was asked for a proof.
pub type ChallengeToken = Secret<OfChallenge>;
/// What a browser or client is known by.
pub type DeviceToken = Secret<OfDevice>;
/// What a mail holds that proves another address.
pub type NewAddressToken = Secret<OfNewAddress>;
/// What a mail holds that puts an earlier address back.
pub type UndoToken = Secret<OfUndo>;

impl DeviceToken {
    /// What is stored of it with an account. With another account it is another.
    pub fn hash_with(&self, account_id: Uuid) -> [u8; 32] {
        Sha256::new().chain_update(self.hash()).chain_update(account_id.as_bytes()).finalize().into()
    }
}

impl<P: Purpose> Secret<P> {
    /// Makes a secret of random bytes.
    pub fn of(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random), PhantomData)
    }

    /// Reads a secret; `None` for anything that was never one.
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(P::PREFIX)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
        Some(Self::of(bytes.as_slice().try_into().ok()?))
    }

    /// The secret as its owner keeps it.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{}", P::PREFIX, URL_SAFE_NO_PAD.encode(self.0.as_slice())))
    }

    /// What is stored. No salt or slowness is needed over 256 random bits.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::new().chain_update(P::PREFIX).chain_update(self.0.as_slice()).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_stored_otherwise_with_every_account() {
        let device = DeviceToken::of([7; 32]);
        assert_ne!(device.hash_with(Uuid::from_u128(1)), device.hash_with(Uuid::from_u128(2)));
        assert_ne!(device.hash_with(Uuid::from_u128(1)), device.hash());
    }

    #[test]
    fn a_secret_reads_back_and_nothing_else_does() {
        let secret = SessionSecret::of([7; 32]);
        let text = secret.text();
        assert_eq!(SessionSecret::parse(&text).unwrap().hash(), secret.hash());
        assert_ne!(VerificationToken::of([7; 32]).hash(), secret.hash());
        assert!(VerificationToken::parse(&text).is_none());
        for other in ["", "cs_", "cs_AAAA", &format!("{}A", *text), "cs_\0", &"cs_".repeat(99)] {
            assert!(SessionSecret::parse(other).is_none());
        }
    }
}
