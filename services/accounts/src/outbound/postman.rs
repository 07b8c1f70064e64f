//! Puts letters into words and sends them. Neutral on purpose: no name, no topic, nothing that would tell
//! somebody who looks over a shoulder what the person is here for.

use crate::domain::{Letter, LetterKind};
use mail::{Mailer, Message};

/// Sends accounts' mail.
#[derive(Clone)]
pub struct Postman {
    mailer: Mailer,
    public_url: String,
}

impl Postman {
    /// `public_url` is what links begin with.
    pub fn new(mailer: Mailer, public_url: &str) -> Self {
        Self { mailer, public_url: public_url.trim_end_matches('/').to_owned() }
    }

    /// Sends one letter.
    ///
    /// # Errors
    /// See [`mail::Error`].
    pub async fn send(&self, kind: LetterKind, letter: &Letter) -> Result<(), mail::Error> {
        let (subject, text) = match kind {
            LetterKind::Verification => self.verification(letter.token.as_deref().unwrap_or_default()),
            LetterKind::AddressInUse => self.address_in_use(),
            LetterKind::Reset => self.reset(letter.token.as_deref().unwrap_or_default()),
            LetterKind::Notice => self.notice(),
            LetterKind::Certificate => self.certificate(letter.token.as_deref().unwrap_or_default()),
            LetterKind::Practice => self.practice(),
            LetterKind::NewAddress => self.new_address(letter.token.as_deref().unwrap_or_default()),
            LetterKind::AddressChanged => self.address_changed(letter.token.as_deref().unwrap_or_default()),
        };
        self.mailer.send(Message { to: letter.to.clone(), subject: subject.to_owned(), text }).await
    }

    fn host(&self) -> &str {
        self.public_url.split_once("://").map_or(self.public_url.as_str(), |(_, host)| host)
    }

    fn verification(&self, token: &str) -> (&'static str, String) {
        let (host, url) = (self.host(), &self.public_url);
        let text = format!(
            "Hello,\n\n\
             Somebody, most likely you, registered with this address at {host}.\n\
             To confirm that it was you, open this page within 24 hours and enter\n\
             the password you chose when you registered:\n\n\
             {url}/verify?token={token}\n\n\
             If you did not register, please ignore this mail.\n\
             Without the link and that password nothing happens.\n"
        );
        ("Confirm your address", text)
    }

    fn address_in_use(&self) -> (&'static str, String) {
        let (host, url) = (self.host(), &self.public_url);
        let text = format!(
            "Hello,\n\n\
             Somebody entered this address at {host} to open a new account.\n\
             You have one already. Nothing about it has changed.\n\n\
             If it was you, you can sign in as before:\n\n\
             {url}/\n\n\
             If it was not you, you need do nothing.\n"
        );
        ("About your address", text)
    }

    fn reset(&self, token: &str) -> (&'static str, String) {
        let (host, url) = (self.host(), &self.public_url);
        let text = format!(
            "Hello,\n\n\
             Somebody, most likely you, asked for a new password at {host}.\n\
             To set one, open this page within an hour:\n\n\
             {url}/reset?token={token}\n\n\
             It signs you out everywhere. If you did not ask, please ignore\n\
             this mail. Without the link nothing happens.\n"
        );
        ("A new password", text)
    }

    fn new_address(&self, token: &str) -> (&'static str, String) {
        let (host, url) = (self.host(), &self.public_url);
        let text = format!(
            "Hello,\n\n\
             Somebody, most likely you, wants to use this address at {host}.\n\
             To confirm it, open this page within 24 hours, in the browser\n\
             where you are signed in:\n\n\
             {url}/security/address/confirm?token={token}\n\n\
             If you did not ask, please ignore this mail.\n\
             The link opens nothing for anybody else.\n"
        );
        ("Confirm your address", text)
    }

    fn address_changed(&self, token: &str) -> (&'static str, String) {
        let (host, url) = (self.host(), &self.public_url);
        let text = format!(
            "Hello,\n\n\
             The account at {host} that had this address has another one now.\n\n\
             If you changed it, you need do nothing.\n\
             If it was not you, this page puts this address back. It works for\n\
             7 days, and you need not sign in:\n\n\
             {url}/address/undo?token={token}\n\n\
             It signs everybody out of the account.\n"
        );
        ("About your address", text)
    }

    fn certificate(&self, code: &str) -> (&'static str, String) {
        let (host, url) = (self.host(), &self.public_url);
        let text = format!(
            "Hello,\n\n\
             What you asked for at {host} is done: nothing of yours is left there.\n\
             This page says what was destroyed, and names nobody:\n\n\
             {url}/certificate?code={code}\n\n\
             There is nothing else to do, and no other mail will come.\n"
        );
        ("It is done", text)
    }

    fn notice(&self) -> (&'static str, String) {
        let (host, url) = (self.host(), &self.public_url);
        let text = format!(
            "Hello,\n\n\
             Something about how you sign in at {host} changed, or was tried.\n\
             What it was stands here, once you have signed in:\n\n\
             {url}/security\n\n\
             If it was you, you need do nothing.\n"
        );
        ("About your account", text)
    }

    fn practice(&self) -> (&'static str, String) {
        let (host, url) = (self.host(), &self.public_url);
        let text = format!(
            "Hello,\n\n\
             Something was decided about your account at {host}.\n\
             What it was stands here, once you have signed in:\n\n\
             {url}/practice\n"
        );
        ("About your account", text)
    }
}
