//! A zip file that is written while it is sent: what is squeezed goes out at once, and whoever reads slowly slows the writing
//! down. One that breaks off ends in an error and lacks the directory at its end, so no program takes it for a whole one.

use axum::body::Body;
use bytes::Bytes;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use zip::CompressionMethod;
use zip::result::ZipResult;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

/// Pieces that wait to be sent, and their size.
const PIECES: usize = 4;
const PIECE: usize = 64 * 1024;
/// How long a reader may take for a piece before they are given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// That nobody reads any more, or that the writing failed.
#[derive(Debug)]
pub(super) struct Broken;

/// What is sent next.
enum Piece {
    Some(Bytes),
    /// Nothing more: it is whole. Without this it is not.
    End,
}

/// The end that takes files. One that is dropped without [`Archive::finish`] breaks off.
pub(super) struct Archive {
    zip: ZipWriter<StreamWriter<Shelf>>,
    shelf: Shelf,
    sent: Sender<Piece>,
}

/// An empty archive, and the body that it is sent as.
pub(super) fn begin() -> (Archive, Body) {
    let (sent, pieces) = channel(PIECES);
    let shelf = Shelf::default();
    let archive = Archive { zip: ZipWriter::new_stream(shelf.clone()), shelf, sent };
    (archive, Body::from_stream(futures::stream::unfold(Some(pieces), next)))
}

async fn next(pieces: Option<Receiver<Piece>>) -> Option<(io::Result<Bytes>, Option<Receiver<Piece>>)> {
    let mut pieces = pieces?;
    match pieces.recv().await {
        Some(Piece::Some(bytes)) => Some((Ok(bytes), Some(pieces))),
        Some(Piece::End) => None,
        None => {
            let broken = io::Error::new(io::ErrorKind::ConnectionAborted, "the export broke off");
            Some((Err(broken), None))
        }
    }
}

impl Archive {
    /// Adds a file, and waits until there is room for what is to be sent of it.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub(super) async fn add(self, name: String, content: Vec<u8>) -> Result<Self, Broken> {
        let mut archive = self;
        // Squeezing a page of long texts takes longer than others should wait.
        let written =
            tokio::task::spawn_blocking(move || archive.write(&name, &content).map(|()| archive)).await;
        let archive = written.map_err(|_| Broken)?.map_err(|_| Broken)?;
        archive.send().await?;
        Ok(archive)
    }

    fn write(&mut self, name: &str, content: &[u8]) -> ZipResult<()> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        self.zip.start_file(name, options)?;
        Ok(self.zip.write_all(content)?)
    }

    /// Ends the file as a whole one.
    ///
    /// # Errors
    /// When nobody reads any more.
    pub(super) async fn finish(self) -> Result<(), Broken> {
        let Self { zip, shelf, sent } = self;
        zip.finish().map_err(|_| Broken)?;
        shelf.send(&sent).await?;
        give(&sent, Piece::End).await
    }

    async fn send(&self) -> Result<(), Broken> {
        self.shelf.send(&self.sent).await
    }
}

async fn give(sent: &Sender<Piece>, piece: Piece) -> Result<(), Broken> {
    let given = tokio::time::timeout(PATIENCE, sent.send(piece)).await;
    given.map_err(|_| Broken)?.map_err(|_| Broken)
}

/// Where the zip lies until it is sent: what came of one file at most.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<u8>>>);

impl Shelf {
    async fn send(&self, sent: &Sender<Piece>) -> Result<(), Broken> {
        let mut rest = Bytes::from(std::mem::take(&mut *self.lock()));
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(PIECE));
            give(sent, Piece::Some(piece)).await?;
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Shelf {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use http_body_util::BodyExt as _;
    use std::io::{Cursor, Read as _};
    use zip::ZipArchive;

    fn noise(length: usize) -> Vec<u8> {
        // What cannot be squeezed is not kept back.
        let mut noise = vec![0; length];
        getrandom::fill(&mut noise).unwrap();
        noise
    }

    #[tokio::test]
    async fn what_is_sent_is_a_whole_zip_file() {
        let (mut archive, body) = begin();
        let long = "a quiet day ".repeat(100_000);
        let adding = async {
            for name in ["journal/entries-1.json", "journal/entries-2.json"] {
                archive = archive.add(name.to_owned(), long.clone().into_bytes()).await.unwrap();
            }
            archive.finish().await.unwrap();
        };
        let (sent, ()) = tokio::join!(to_bytes(body, usize::MAX), adding);
        let mut whole = ZipArchive::new(Cursor::new(sent.unwrap())).unwrap();
        assert_eq!(whole.len(), 2);
        let mut text = String::new();
        whole.by_name("journal/entries-2.json").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, long);
    }

    #[tokio::test]
    async fn one_that_breaks_off_is_an_error_and_no_zip_file() {
        let (archive, mut body) = begin();
        drop(archive.add("one".to_owned(), vec![1; 10]).await.unwrap());
        let mut sent = Vec::new();
        let end = loop {
            match body.frame().await {
                Some(Ok(frame)) => sent.extend_from_slice(frame.data_ref().unwrap()),
                end => break end,
            }
        };
        assert!(end.unwrap().is_err(), "whoever reads is told");
        assert!(!sent.is_empty() && ZipArchive::new(Cursor::new(sent)).is_err());
    }

    #[tokio::test]
    async fn whoever_stops_reading_stops_the_writing() {
        let (mut archive, body) = begin();
        drop(body);
        while let Ok(more) = archive.add("one".to_owned(), noise(1 << 20)).await {
            archive = more;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_never_reads_is_given_up() {
        let (archive, _body) = begin();
        assert!(archive.add("one".to_owned(), noise(1 << 20)).await.is_err());
    }
}
