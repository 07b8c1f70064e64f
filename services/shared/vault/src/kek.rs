//! Key encryption keys, in a file that only its owner can read.
//!
//! One key a line, newest first: `<id> <32 bytes in base64>`; empty lines and lines that start with `#` are
//! skipped. The newest wraps new data keys; the others still unwrap.

use crate::{
    Error,
    crypto::{self, NONCE},
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use std::{
    borrow::Cow,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;
use zeroize::Zeroizing;

const WRAPPED_VERSION: u8 = 1;
/// Bytes of the file at most: some hundreds of keys.
const FILE_MAX: usize = 64 * 1024;
const HEADING: &str = "# Candor's key encryption keys, newest first. Keep a copy in a safe place: \
                       without these keys nothing that was sealed can be read.\n";

/// The KEKs of one file, as they were when it was read.
pub(crate) struct KekFile {
    path: PathBuf,
    /// Never empty; newest first.
    keks: Vec<Kek>,
}

struct Kek {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

/// Which data key is wrapped. A wrapped key is bound to all of it.
pub(crate) struct Identity<'a> {
    pub(crate) service: &'a str,
    pub(crate) owner: Uuid,
    pub(crate) key_id: Uuid,
}

impl KekFile {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let fail = |problem: &'static str| failure(path, problem);
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => fail("does not exist"),
            io::ErrorKind::PermissionDenied => fail("may not be read by this process"),
            _ => fail("cannot be opened"),
        })?;
        demand_private(&file, path)?;
        // Room for all of it from the start: a string that grows leaves copies behind that nobody wipes.
        let mut text = Zeroizing::new(String::with_capacity(FILE_MAX));
        file.take(FILE_MAX as u64).read_to_string(&mut text).map_err(|_| fail("cannot be read as text"))?;
        let mut keks: Vec<Kek> = Vec::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let kek =
                parse(line).ok_or_else(|| fail("holds a line that is not `<id> <32 bytes in base64>`"))?;
            if keks.iter().any(|known| known.id == kek.id) {
                return Err(fail("holds two keys of the same id"));
            }
            keks.push(kek);
        }
        if keks.is_empty() {
            return Err(fail("holds no key"));
        }
        Ok(Self { path: path.to_owned(), keks })
    }

    /// The id of the KEK that wraps.
    pub(crate) fn newest(&self) -> &str {
        &self.keks[0].id
    }

    /// The ids of the KEKs that only unwrap.
    pub(crate) fn older(&self) -> impl Iterator<Item = &str> {
        self.keks[1..].iter().map(|kek| kek.id.as_str())
    }

    fn demand_older(&self, id: &str) -> Result<(), Error> {
        if self.newest() == id {
            return Err(failure(&self.path, "needs its newest key: add another before this one is removed"));
        }
        let known = self.older().any(|older| older == id);
        if known { Ok(()) } else { Err(failure(&self.path, "does not hold a key of that id")) }
    }

    /// Wraps a data key with the newest KEK: its id, and the wrapped key.
    pub(crate) fn wrap(&self, identity: &Identity<'_>, root: &[u8; 32]) -> Result<(String, Vec<u8>), Error> {
        let newest = &self.keks[0];
        let mut nonce = [0u8; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| Error::Random)?;
        let mut wrapped = vec![WRAPPED_VERSION];
        wrapped.extend_from_slice(&nonce);
        wrapped.extend(crypto::encrypt(&newest.cipher(identity), nonce, &[WRAPPED_VERSION], root));
        Ok((newest.id.clone(), wrapped))
    }

    /// Unwraps a data key.
    pub(crate) fn unwrap(
        &self,
        kek_id: &str,
        identity: &Identity<'_>,
        wrapped: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, Error> {
        let kek = self
            .keks
            .iter()
            .find(|kek| kek.id == kek_id)
            .ok_or_else(|| Error::UnknownKek(kek_id.to_owned()))?;
        let (head, sealed) = wrapped.split_at_checked(1 + NONCE).ok_or(Error::Refused)?;
        let mut nonce = [0u8; NONCE];
        nonce.copy_from_slice(&head[1..]);
        let plain = crypto::decrypt(&kek.cipher(identity), nonce, &head[..1], sealed)?;
        let mut root = Zeroizing::new([0u8; 32]);
        if plain.len() != root.len() {
            return Err(Error::Refused);
        }
        root.copy_from_slice(&plain);
        Ok(root)
    }

    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(FILE_MAX));
        text.push_str(HEADING);
        for kek in &self.keks {
            text.push_str(&kek.id);
            text.push(' ');
            text.push_str(&Zeroizing::new(BASE64.encode(kek.key.as_slice())));
            text.push('\n');
        }
        text
    }
}

impl Kek {
    fn generate() -> Result<Self, Error> {
        let (mut id, mut key) = ([0u8; 8], Zeroizing::new([0u8; 32]));
        getrandom::fill(&mut id).map_err(|_| Error::Random)?;
        getrandom::fill(key.as_mut()).map_err(|_| Error::Random)?;
        Ok(Self { id: format!("kek-{:016x}", u64::from_be_bytes(id)), key })
    }

    /// Each data key is wrapped under a key of its own, so a KEK never runs out of nonces, and a wrapped key
    /// moved to another row does not unwrap there.
    fn cipher(&self, identity: &Identity<'_>) -> aes_gcm::Aes256Gcm {
        let length = (identity.service.len() as u64).to_be_bytes();
        crypto::cipher(&crypto::expand(
            &self.key,
            &[
                b"candor.vault.v1.wrap",
                identity.owner.as_bytes(),
                identity.key_id.as_bytes(),
                &length,
                identity.service.as_bytes(),
            ],
        ))
    }
}

/// Makes the KEK file with one new key if there is none; an existing file is checked and left alone.
/// For development and tests: in production the file is a secret that the operator provides.
///
/// # Errors
/// [`Error::KekFile`] when it cannot be made, or the existing one cannot be used.
pub fn init_kek(path: &Path) -> Result<(), Error> {
    if !path.exists() {
        let file = KekFile { path: path.to_owned(), keks: vec![Kek::generate()?] };
        let temporary = write_beside(&file)?;
        // A link, unlike a rename, never replaces what somebody else made meanwhile.
        let linked = fs::hard_link(&temporary, path);
        let _ = fs::remove_file(&temporary);
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failure(path, "cannot be made"));
            }
            _ => sync_folder(path),
        }
    }
    KekFile::read(path).map(|_| ())
}

/// Puts a new KEK at the head of the file and returns its id. Every process that uses the file takes it up by
/// itself. Give the file to all of them before [`crate::rewrap`] runs.
///
/// # Errors
/// [`Error::KekFile`] when the file cannot be read or replaced.
pub fn add_kek(path: &Path) -> Result<String, Error> {
    let _alone = lock(path)?;
    let mut file = KekFile::read(path)?;
    let kek = Kek::generate()?;
    let id = kek.id.clone();
    file.keks.insert(0, kek);
    replace(&file)?;
    Ok(id)
}

/// The ids of the file's KEKs, newest first; never empty.
///
/// # Errors
/// [`Error::KekFile`] when the file cannot be read.
pub fn kek_ids(path: &Path) -> Result<Vec<String>, Error> {
    Ok(KekFile::read(path)?.keks.iter().map(|kek| kek.id.clone()).collect())
}

/// Refuses an id that the file does not hold, or that it needs because it is its newest.
pub(crate) fn demand_older(path: &Path, id: &str) -> Result<(), Error> {
    KekFile::read(path)?.demand_older(id)
}

/// Takes an older KEK out of the file. Only safe while nobody can wrap a data key.
pub(crate) fn remove(path: &Path, id: &str) -> Result<(), Error> {
    let _alone = lock(path)?;
    let mut file = KekFile::read(path)?;
    file.demand_older(id)?;
    file.keks.retain(|kek| kek.id != id);
    replace(&file)
}

/// Of several processes that change the file, each sees what the others did: they lock its folder in turn.
fn lock(path: &Path) -> Result<File, Error> {
    let folder = File::open(folder_of(path));
    folder.and_then(|folder| folder.lock().map(|()| folder)).map_err(|_| failure(path, "cannot be locked"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn failure(path: &Path, problem: &'static str) -> Error {
    Error::KekFile { path: path.to_owned(), problem: Cow::Borrowed(problem) }
}

fn parse(line: &str) -> Option<Kek> {
    let (id, key) = line.split_once(' ')?;
    let id_is_sound =
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let bytes = Zeroizing::new(BASE64.decode(key.trim()).ok()?);
    let mut key = Zeroizing::new([0u8; 32]);
    if !id_is_sound || bytes.len() != key.len() {
        return None;
    }
    key.copy_from_slice(&bytes);
    Some(Kek { id: id.to_owned(), key })
}

#[cfg(unix)]
fn demand_private(file: &File, path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt as _;
    // Asked of the open file, so that it cannot be exchanged in between.
    let metadata = file.metadata().map_err(|_| failure(path, "cannot be examined"))?;
    if !metadata.is_file() {
        return Err(failure(path, "is not a file"));
    }
    if !is_private(metadata.mode(), metadata.uid()) {
        return Err(failure(path, "may be read by others: give it mode 0600 (chmod 600)"));
    }
    Ok(())
}

/// Whether a file's mode keeps it private. Its owner's alone; or root's, which a group may read and nobody may write:
/// so Kubernetes lays a Secret before a process that is not root.
#[cfg(unix)]
fn is_private(mode: u32, owner: u32) -> bool {
    mode & 0o177 == 0 || (owner == 0 && mode & 0o777 == 0o440)
}

#[cfg(not(unix))]
fn demand_private(_: &File, _: &Path) -> Result<(), Error> {
    Ok(())
}

/// Writes the file under another name in the same folder, complete and on disk.
fn write_beside(file: &KekFile) -> Result<PathBuf, Error> {
    let fail = |_: io::Error| failure(&file.path, "cannot be written");
    let mut random = [0u8; 8];
    getrandom::fill(&mut random).map_err(|_| Error::Random)?;
    let temporary = file.path.with_extension(format!("{:016x}.new", u64::from_be_bytes(random)));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut target = options.open(&temporary).map_err(fail)?;
    if let Err(error) = target.write_all(file.text().as_bytes()).and_then(|()| target.sync_all()) {
        let _ = fs::remove_file(&temporary);
        return Err(fail(error));
    }
    Ok(temporary)
}

fn replace(file: &KekFile) -> Result<(), Error> {
    let temporary = write_beside(file)?;
    if give_to_owner(&temporary, &file.path).and_then(|()| fs::rename(&temporary, &file.path)).is_err() {
        let _ = fs::remove_file(&temporary);
        return Err(failure(&file.path, "cannot be replaced"));
    }
    sync_folder(&file.path);
    Ok(())
}

/// Gives the new file to whom the old one belongs: the services may run as somebody else than the operator.
#[cfg(unix)]
fn give_to_owner(new: &Path, old: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let (new_owner, owner) = (fs::metadata(new)?, fs::metadata(old)?);
    if (new_owner.uid(), new_owner.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(new, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(not(unix))]
fn give_to_owner(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a new name survive a power cut where the system can; without it the file is complete or absent.
fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const IDENTITY: Identity<'static> =
        Identity { service: "journal", owner: Uuid::from_u128(1), key_id: Uuid::from_u128(2) };

    fn problem(path: &Path) -> String {
        KekFile::read(path).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_new_file_is_private_and_an_existing_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        init_kek(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let before = fs::read(&path).unwrap();
        init_kek(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn of_many_that_make_the_file_at_once_all_end_with_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        let ids: Vec<String> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        init_kek(&path).unwrap();
                        KekFile::read(&path).unwrap().newest().to_owned()
                    })
                })
                .collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }

    #[test]
    fn a_file_that_cannot_be_trusted_is_refused_in_one_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        assert!(problem(&path).ends_with("does not exist"));
        assert!(problem(folder.path()).contains("is not a file"));
        let key = BASE64.encode([7u8; 32]);
        let cases = [
            (String::new(), "holds no key"),
            ("one\n".to_owned(), "is not `<id>"),
            (format!("one {}\n", BASE64.encode([7u8; 31])), "is not `<id>"),
            (format!("o/e {key}\n"), "is not `<id>"),
            (format!("one {key}\none {key}\n"), "two keys of the same id"),
        ];
        for (text, expected) in cases {
            fs::write(&path, &text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            let found = problem(&path);
            assert!(found.contains(expected) && !found.contains(&key), "{found}");
        }
        fs::write(&path, format!("# newest\ntwo {key}\n\none {key}\n")).unwrap();
        let file = KekFile::read(&path).unwrap();
        assert_eq!((file.newest(), file.older().collect::<Vec<_>>()), ("two", vec!["one"]));
        for mode in [0o640, 0o604, 0o660, 0o700] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(problem(&path).contains("mode 0600"), "{mode:o}");
        }
    }

    #[test]
    fn a_group_may_read_what_root_laid_there_and_nobody_may_write() {
        let (root, other) = (0, 1000);
        for mode in [0o600, 0o400, 0o100_600] {
            assert!(is_private(mode, root) && is_private(mode, other), "{mode:o}");
        }
        assert!(is_private(0o440, root) && is_private(0o100_440, root));
        assert!(!is_private(0o440, other));
        for mode in [0o640, 0o460, 0o450, 0o444, 0o404, 0o441] {
            assert!(!is_private(mode, root) && !is_private(mode, other), "{mode:o}");
        }
    }

    #[test]
    fn the_newest_wraps_and_older_ones_still_unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        init_kek(&path).unwrap();
        let (first, wrapped) = KekFile::read(&path).unwrap().wrap(&IDENTITY, &[3; 32]).unwrap();
        let second = add_kek(&path).unwrap();
        let both = KekFile::read(&path).unwrap();
        assert_eq!(both.newest(), second);
        assert_eq!(*both.unwrap(&first, &IDENTITY, &wrapped).unwrap(), [3; 32]);
        assert_eq!(both.wrap(&IDENTITY, &[3; 32]).unwrap().0, second);
        assert_eq!(kek_ids(&path).unwrap(), [second.clone(), first.clone()]);
        assert!(remove(&path, &second).is_err() && remove(&path, "none").is_err());
        remove(&path, &first).unwrap();
        let rest = KekFile::read(&path).unwrap();
        assert!(
            matches!(rest.unwrap(&first, &IDENTITY, &wrapped), Err(Error::UnknownKek(id)) if id == first)
        );
    }

    #[test]
    fn of_many_that_add_a_key_at_once_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        init_kek(&path).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| add_kek(&path).unwrap());
            }
        });
        assert_eq!(kek_ids(&path).unwrap().len(), 9);
    }

    #[test]
    fn a_changed_file_belongs_to_whom_it_belonged_and_stays_private() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        init_kek(&path).unwrap();
        // Only root may give files away; for others the owner is the same before and after.
        let _ = chown(&path, Some(65_534), Some(65_534));
        let before = fs::metadata(&path).unwrap();
        add_kek(&path).unwrap();
        let after = fs::metadata(&path).unwrap();
        assert_eq!((after.uid(), after.gid(), after.mode()), (before.uid(), before.gid(), before.mode()));
    }

    #[test]
    fn a_wrapped_key_unwraps_only_as_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        init_kek(&path).unwrap();
        let file = KekFile::read(&path).unwrap();
        let (kek, wrapped) = file.wrap(&IDENTITY, &[3; 32]).unwrap();
        for identity in [
            Identity { service: "content", ..IDENTITY },
            Identity { owner: Uuid::from_u128(9), ..IDENTITY },
            Identity { key_id: Uuid::from_u128(9), ..IDENTITY },
        ] {
            assert!(matches!(file.unwrap(&kek, &identity, &wrapped), Err(Error::Refused)));
        }
        for bit in 0..wrapped.len() * 8 {
            let mut altered = wrapped.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(file.unwrap(&kek, &IDENTITY, &altered), Err(Error::Refused)), "bit {bit}");
        }
    }
}
