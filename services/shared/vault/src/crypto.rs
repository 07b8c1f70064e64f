//! The primitives, put together in one place: AES-256-GCM, and HKDF-Expand over HMAC-SHA256.

use crate::Error;
use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Bytes of a nonce.
pub(crate) const NONCE: usize = 12;
/// Bytes of an authentication tag.
pub(crate) const TAG: usize = 16;

/// A cipher under a 256-bit key.
pub(crate) fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&(*key).into())
}

/// HMAC-SHA256 of the concatenated parts.
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads a shorter key with zeros to the hash's block; doing it here leaves no way to fail.
    let mut block = Zeroizing::new([0u8; 64]);
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new(&(*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The first 32 bytes of HKDF-Expand (RFC 5869, one block); `key` is uniformly random, so nothing has to be
/// extracted first.
pub(crate) fn expand(key: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut parts = info.to_vec();
    parts.push(&[1]);
    Zeroizing::new(mac(key, &parts))
}

/// Ciphertext with its tag behind.
pub(crate) fn encrypt(cipher: &Aes256Gcm, nonce: [u8; NONCE], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    match cipher.encrypt(&Nonce::from(nonce), Payload { msg: plain, aad }) {
        Ok(sealed) => sealed,
        // GCM refuses only plaintexts over 64 GiB and data over 2 EiB; no message comes near.
        Err(_) => unreachable!("a value over 64 GiB reached the vault"),
    }
}

/// The plaintext, wiped when dropped.
pub(crate) fn decrypt(
    cipher: &Aes256Gcm,
    nonce: [u8; NONCE],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    match cipher.decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad }) {
        Ok(plain) => Ok(Zeroizing::new(plain)),
        Err(_) => Err(Error::Refused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn expand_agrees_with_rfc_5869() {
        // Appendix A, test case 1: PRK, info, and the first 32 bytes of OKM.
        let prk = hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
        let okm = hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
        let info = hex("f0f1f2f3f4f5f6f7f8f9");
        assert_eq!(expand(&prk.try_into().unwrap(), &[&info[..4], &info[4..]]).as_slice(), okm);
    }
}
