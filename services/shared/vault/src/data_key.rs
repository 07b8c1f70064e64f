//! One owner's key in one service, and the values it seals.

use crate::{
    Error,
    crypto::{self, NONCE, TAG},
    metrics,
};
use aes_gcm::Aes256Gcm;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use uuid::Uuid;
use zeroize::Zeroizing;

/// The layout of a sealed value: version ‖ key id ‖ nonce ‖ ciphertext and tag.
const VERSION: u8 = 1;
const HEAD: usize = 1 + 16 + NONCE;

/// Where a sealed value lives. A value opens only at the place it was sealed for.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The id of the row.
    pub row: Uuid,
}

/// An owner's data key, unwrapped. Clones share it; it is wiped when the last one goes.
#[derive(Clone)]
pub struct DataKey(Arc<Inner>);

struct Inner {
    service: &'static str,
    owner: Uuid,
    id: Uuid,
    cipher: Aes256Gcm, // wipes its key schedule when dropped
    macs: Zeroizing<[u8; 32]>,
    nonces: Zeroizing<[u8; 32]>,
    sealed: AtomicU64,
}

impl DataKey {
    /// From the root key; subkeys for sealing and for codes are derived apart.
    pub(crate) fn new(
        service: &'static str,
        owner: Uuid,
        id: Uuid,
        root: &Zeroizing<[u8; 32]>,
    ) -> Result<Self, Error> {
        // Fresh for every unwrapping: nonces are a pseudo-random function of a count under this key, as good
        // as random ones, and sealing can never fail for want of random bytes.
        let mut nonces = Zeroizing::new([0u8; 32]);
        getrandom::fill(nonces.as_mut()).map_err(|_| Error::Random)?;
        Ok(Self(Arc::new(Inner {
            service,
            owner,
            id,
            cipher: crypto::cipher(&crypto::expand(root, &[b"candor.vault.v1.seal"])),
            macs: crypto::expand(root, &[b"candor.vault.v1.mac"]),
            nonces,
            sealed: AtomicU64::new(0),
        })))
    }

    /// Seals a value for one place (at most 64 GiB; messages are far smaller).
    pub fn seal(&self, place: &Place<'_>, plain: &[u8]) -> Vec<u8> {
        metrics::sealed(self.0.service);
        let nonce = self.nonce();
        let mut blob = Vec::with_capacity(HEAD + plain.len() + TAG);
        blob.push(VERSION);
        blob.extend_from_slice(self.0.id.as_bytes());
        blob.extend_from_slice(&nonce);
        blob.extend(crypto::encrypt(&self.0.cipher, nonce, &self.bound_to(place), plain));
        blob
    }

    /// Opens a value that was sealed for this place. The plaintext is wiped when dropped.
    ///
    /// # Errors
    /// [`Error::Refused`] when a single bit differs, or it was sealed for another place, owner or service.
    pub fn open(&self, place: &Place<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let opened = self.try_open(place, blob);
        metrics::opened(self.0.service, opened.is_ok());
        opened
    }

    fn try_open(&self, place: &Place<'_>, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (head, sealed) = blob.split_at_checked(HEAD).ok_or(Error::Refused)?;
        if head[0] != VERSION || head[1..17] != *self.0.id.as_bytes() {
            return Err(Error::Refused);
        }
        let mut nonce = [0u8; NONCE];
        nonce.copy_from_slice(&head[17..]);
        crypto::decrypt(&self.0.cipher, nonce, &self.bound_to(place), sealed)
    }

    /// A keyed code (HMAC-SHA256) of the bytes, under a key of its own for each purpose.
    pub fn mac(&self, purpose: &'static str, bytes: &[u8]) -> [u8; 32] {
        crypto::mac(&crypto::expand(&self.0.macs, &[purpose.as_bytes()]), &[bytes])
    }

    fn nonce(&self) -> [u8; NONCE] {
        let count = self.0.sealed.fetch_add(1, Ordering::Relaxed);
        let code = crypto::mac(&self.0.nonces, &[&count.to_be_bytes()]);
        let mut nonce = [0u8; NONCE];
        nonce.copy_from_slice(&code[..NONCE]);
        nonce
    }

    /// What a value is bound to. Fixed sizes first, then each name behind its length: no two places agree.
    fn bound_to(&self, place: &Place<'_>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        bytes.push(VERSION);
        for id in [self.0.id, self.0.owner, place.row] {
            bytes.extend_from_slice(id.as_bytes());
        }
        for name in [self.0.service, place.table, place.column] {
            bytes.extend_from_slice(&(name.len() as u64).to_be_bytes());
            bytes.extend_from_slice(name.as_bytes());
        }
        bytes
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.0.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OWNER: Uuid = Uuid::from_u128(7);
    const PLACE: Place<'static> = Place { table: "entries", column: "body", row: Uuid::from_u128(11) };

    fn key(service: &'static str, owner: Uuid, id: u128, root: u8) -> DataKey {
        DataKey::new(service, owner, Uuid::from_u128(id), &Zeroizing::new([root; 32])).unwrap()
    }

    #[test]
    fn every_single_bit_that_changes_is_noticed() {
        let key = key("journal", OWNER, 1, 5);
        let blob = key.seal(&PLACE, b"a quiet evening");
        for bit in 0..blob.len() * 8 {
            let mut altered = blob.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(key.open(&PLACE, &altered), Err(Error::Refused)), "bit {bit}");
        }
        for length in 0..blob.len() {
            assert!(matches!(key.open(&PLACE, &blob[..length]), Err(Error::Refused)), "length {length}");
        }
        let mut longer = blob.clone();
        longer.push(0);
        assert!(matches!(key.open(&PLACE, &longer), Err(Error::Refused)));
        assert_eq!(key.open(&PLACE, &blob).unwrap().as_slice(), b"a quiet evening");
    }

    #[test]
    fn a_value_opens_only_at_its_own_place() {
        let sealed_by = key("journal", OWNER, 1, 5);
        let blob = sealed_by.seal(&PLACE, b"a quiet evening");
        let places = [
            Place { table: "drafts", ..PLACE },
            Place { column: "title", ..PLACE },
            Place { row: Uuid::from_u128(12), ..PLACE },
            Place { table: "entriesb", column: "ody", ..PLACE },
        ];
        for place in places {
            assert!(matches!(sealed_by.open(&place, &blob), Err(Error::Refused)), "{place:?}");
        }
        // The same key material under another owner, service or key id is another key.
        for other in [
            key("journal", Uuid::from_u128(8), 1, 5),
            key("content", OWNER, 1, 5),
            key("journal", OWNER, 2, 5),
        ] {
            assert!(matches!(other.open(&PLACE, &blob), Err(Error::Refused)), "{other:?}");
        }
        assert!(matches!(key("journal", OWNER, 1, 6).open(&PLACE, &blob), Err(Error::Refused)));
    }

    #[test]
    fn codes_differ_by_purpose_bytes_and_key() {
        let one = key("journal", OWNER, 1, 5);
        let code = one.mac("email", b"someone");
        assert_eq!(code, key("journal", OWNER, 1, 5).mac("email", b"someone"));
        assert_ne!(code, one.mac("idempotency", b"someone"));
        assert_ne!(code, one.mac("email", b"someone else"));
        assert_ne!(code, key("journal", OWNER, 1, 6).mac("email", b"someone"));
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_to_the_same_bytes(
            plain in proptest::collection::vec(any::<u8>(), 0..2048),
            table in "[a-z_]{1,12}", column in "[a-z_]{1,12}", row: u128, owner: u128, root: u8,
        ) {
            let key = key("journal", Uuid::from_u128(owner), 1, root);
            let place = Place { table: &table, column: &column, row: Uuid::from_u128(row) };
            let blob = key.seal(&place, &plain);
            prop_assert_eq!(blob.len(), HEAD + plain.len() + TAG);
            let opened = key.open(&place, &blob).unwrap();
            prop_assert_eq!(opened.as_slice(), &plain[..]);
            // Sealing the same again shows nothing in common: another nonce, another ciphertext.
            prop_assert_ne!(&key.seal(&place, &plain)[17..], &blob[17..]);
        }

        #[test]
        fn arbitrary_bytes_never_open(blob in proptest::collection::vec(any::<u8>(), 0..256)) {
            prop_assert!(key("journal", OWNER, 1, 5).open(&PLACE, &blob).is_err());
        }
    }
}
