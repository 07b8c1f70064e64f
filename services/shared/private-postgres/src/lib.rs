//! A private PostgreSQL server as a supervised child process.
//!
//! One call gives a server on a free loopback port, with its data in a folder of the caller's:
//! [`Server::start`] finds the binaries (and may install them), makes the data folder on the first run,
//! recovers on any later one, and starts the server again should it ever end by itself.
//!
//! **It never outlives its parent.** A thread of ours is the server's parent and lives as long as the server;
//! the kernel sends the server SIGINT (PostgreSQL's *fast* shutdown; SIGTERM would wait for clients that no
//! longer exist) the moment that thread is gone, whatever ended it, `kill -9` included.
//!
//! **It works as root**, where PostgreSQL refuses to run: the server then runs as the user `postgres` (or
//! `nobody`), who owns the data folder. The folder is handed over as an open descriptor
//! (`/proc/self/fd/9`), so its parents may be as private as they like: `/root` stays 0700.
//!
//! **Who gets in**: loopback TCP only, SCRAM passwords that were generated and lie in the folder (0700, files
//! 0600). A Unix socket with *trust* would be simpler, but its path has a limit of 107 bytes, and as root any
//! other process of the user `postgres` could use it.
//!
//! **What it writes to its log**: what it does, never what it is asked: no statements, no parameters, no
//! details of errors, no errors of clients at all (they get them as answers).

mod account;
pub mod apt;
mod binaries;
mod child;
mod error;
mod folder;
mod server;
mod supervisor;

pub use binaries::{Binaries, ensure_binaries};
pub use error::Error;
pub use server::{Access, Options, Server};
