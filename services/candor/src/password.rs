//! Reading a password: from the terminal without showing it, or a line of standard input.

use rustix::termios::{LocalModes, OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use std::io::{self, BufRead, Write};
use zeroize::Zeroizing;

/// Reads one line; at a terminal it asks first, and the answer does not show.
pub(crate) fn read() -> io::Result<Zeroizing<String>> {
    let stdin = io::stdin();
    let _hidden = if isatty(&stdin) { Some(Hidden::new()?) } else { None };
    let mut line = Zeroizing::new(String::new());
    stdin.lock().read_line(&mut line)?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn new() -> io::Result<Self> {
        let mut terminal = io::stderr();
        write!(terminal, "Password (at least 15 characters, not shown): ")?;
        terminal.flush()?;
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO;
        silent.local_modes |= LocalModes::ECHONL;
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
