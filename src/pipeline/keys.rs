//! The key file: made on the first run, and what is derived from it.

use super::Keys;
use crate::attribute::HashKey;
use crate::state;
use hkdf::Hkdf;
use sha2::Sha256;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Bytes of secret in a key file.
const SECRET_BYTES: usize = 32;
/// What `replay` and `explain` use where there is no key file: hashes are then the same for
/// everybody, and alerts say so.
const PUBLIC_SECRET: [u8; SECRET_BYTES] = *b"darban: this fixed key is public";

impl Keys {
    /// The keys in a key file, or, where there is none, the fixed public ones. Whether they are
    /// the file's own.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or is too short.
    pub fn of_file_or_public(path: &Path) -> io::Result<(Self, bool)> {
        match read(path) {
            Ok(secret) => Ok((Self::derived(&secret), true)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok((Self::derived(&PUBLIC_SECRET), false))
            }
            Err(error) => Err(error),
        }
    }

    /// The keys in a key file, which is made where there is none, readable by its owner only.
    ///
    /// # Errors
    /// When it can neither be read nor made.
    pub fn of_file_or_new(path: &Path) -> io::Result<Self> {
        match read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
            other => other,
        }
        .map(|secret| Self::derived(&secret))
    }

    /// The keys of a secret.
    #[must_use]
    pub fn derived(secret: &[u8]) -> Self {
        let expander = Hkdf::<Sha256>::new(None, secret);
        let half = |label: &[u8]| {
            let mut bytes = [0; 16];
            // Sixteen bytes are always within what SHA-256 can expand to.
            let _always_fits = expander.expand(label, &mut bytes);
            bytes
        };
        let [a, b] =
            [half(b"alert identity 1"), half(b"alert identity 2")].map(u128::from_le_bytes);
        #[expect(clippy::cast_possible_truncation, reason = "half of what was derived is enough")]
        let alert = (a as u64, b as u64);
        let mut state = [0; 32];
        let _always_fits = expander.expand(b"state", &mut state);
        let hash = HashKey::new(half(b"subject and client hash"));
        Self { hash, alert, state: state::Key::new(state) }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut secret = Vec::new();
    fs::File::open(path)?.take(4_096).read_to_end(&mut secret)?;
    if secret.len() < SECRET_BYTES {
        let words = format!("the key file has {} bytes, not {SECRET_BYTES}", secret.len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, words));
    }
    Ok(secret)
}

fn make(path: &Path) -> io::Result<Vec<u8>> {
    let mut secret = vec![0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_for_its_owner_only_and_gives_the_same_keys_again() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("darban-key-{}", std::process::id()));
        let first = Keys::of_file_or_new(&path).unwrap();
        let (second, own) = Keys::of_file_or_public(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&path).unwrap();
        assert!(own && first.alert == second.alert);
        let (public, own) = Keys::of_file_or_public(&path).unwrap();
        assert!(!own && public.alert != first.alert);
    }
}
