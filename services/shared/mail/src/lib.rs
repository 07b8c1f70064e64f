//! Outgoing mail: over SMTP, or into a folder of `.eml` files while developing.
//!
//! Addresses, subjects and texts appear in no error and no log; what a mail server answers is kept out as
//! well, because it often repeats the address.

mod folder;

use chassis::{Clock, Ids};
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    message::{
        Body, Mailbox,
        header::{ContentTransferEncoding, ContentType},
    },
};
use std::{path::PathBuf, sync::Arc, time::Duration, time::SystemTime};

/// How long a mail server may take for one step of the conversation.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where mail goes. Exactly one of `smtp_url` and `folder` is set.
#[derive(Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `smtps://user:password@host`, `smtp://user:password@host?tls=required`, or `smtp://host` without
    /// encryption, for a server on the same machine.
    #[serde(default, deserialize_with = "server")]
    pub smtp_url: Option<String>,
    /// A folder to write `.eml` files into instead of sending; made when it does not exist.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// The sender, such as `Candor <no-reply@example.org>`.
    #[serde(deserialize_with = "sender")]
    pub from: String,
}

fn server<'de, D: serde::Deserializer<'de>>(given: D) -> Result<Option<String>, D::Error> {
    let fits = |url: &str| AsyncSmtpTransport::<Tokio1Executor>::from_url(url).is_ok();
    chassis::config::text(given, fits, "an address such as smtps://user:password@host").map(Some)
}

fn sender<'de, D: serde::Deserializer<'de>>(given: D) -> Result<String, D::Error> {
    let fits = |from: &str| from.parse::<Mailbox>().is_ok();
    chassis::config::text(given, fits, "a mail address such as Candor <no-reply@example.org>")
}

/// A plain-text mail to one person.
#[derive(Clone)]
pub struct Message {
    /// The address, without a name.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text. Plain ASCII stays readable as it is in the folder's files.
    pub text: String,
}

/// Why mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing or wrong.
    #[error("the mail setting `{0}` {1}")]
    Config(&'static str, &'static str),
    /// The recipient's address is not an address.
    #[error("the recipient's address is not a mail address")]
    Address,
    /// The subject holds line breaks or other control characters.
    #[error("the subject holds a control character")]
    Subject,
    /// The mail server refused it, with this SMTP code.
    #[error("the mail server refused the mail with code {0}")]
    Refused(u16),
    /// The mail server was not reached, or broke off.
    #[error("the mail server cannot be reached")]
    Unreachable,
    /// The folder cannot be written.
    #[error("the mail folder cannot be written")]
    Folder(#[source] std::io::Error),
}

impl Error {
    /// Whether trying again cannot help.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Config(..) | Self::Address | Self::Subject => true,
            Self::Refused(code) => (500..600).contains(code),
            Self::Unreachable | Self::Folder(_) => false,
        }
    }
}

/// Sends mail. Clones share the connection settings.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    from: Mailbox,
    clock: Clock,
    ids: Ids,
    way: Way,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder(PathBuf),
}

impl Mailer {
    /// Checks the settings; makes the folder. No server is asked yet.
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Folder`].
    pub fn new(config: &Config, clock: Clock, ids: Ids) -> Result<Self, Error> {
        let from = config.from.parse().map_err(|_| Error::Config("from", "is not a mail address"))?;
        let way = match (&config.smtp_url, &config.folder) {
            (Some(url), None) => Way::Smtp(
                AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                    .map_err(|_| Error::Config("smtp_url", "is not an smtp:// or smtps:// address"))?
                    .timeout(Some(PATIENCE))
                    .build(),
            ),
            (None, Some(folder)) => {
                folder::make(folder).map_err(Error::Folder)?;
                Way::Folder(folder.clone())
            }
            (Some(_), Some(_)) => {
                return Err(Error::Config("folder", "cannot be set together with `smtp_url`"));
            }
            (None, None) => return Err(Error::Config("smtp_url", "or `folder` must be set")),
        };
        Ok(Self(Arc::new(Inner { from, clock, ids, way })))
    }

    /// Sends one mail: returns once the server has taken it, or the file is complete.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::is_permanent`] says whether to try again.
    pub async fn send(&self, message: Message) -> Result<(), Error> {
        let id = self.0.ids.next();
        let mail = self.compose(message, &id.to_string())?;
        match &self.0.way {
            Way::Folder(folder) => {
                folder::write(folder, &id.to_string(), &mail.formatted()).await.map_err(Error::Folder)
            }
            Way::Smtp(server) => match server.send(mail).await {
                Ok(_) => Ok(()),
                Err(error) => {
                    Err(error.status().map_or(Error::Unreachable, |code| Error::Refused(code.into())))
                }
            },
        }
    }

    fn compose(&self, message: Message, id: &str) -> Result<lettre::Message, Error> {
        let to: Address = message.to.parse().map_err(|_| Error::Address)?;
        if message.subject.chars().any(char::is_control) {
            return Err(Error::Subject);
        }
        lettre::Message::builder()
            .from(self.0.from.clone())
            .to(Mailbox::new(None, to))
            .subject(message.subject)
            .date(SystemTime::from(self.0.clock.now()))
            .message_id(Some(format!("<{id}@{}>", self.0.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(body(message.text))
            .map_err(|_| Error::Address)
    }
}

/// Plain ASCII goes out as it is, in lines of up to 998 bytes (RFC 5322): left to itself the library would fold
/// lines of more than 76, and a link with them.
fn body(text: String) -> Body {
    let as_it_is = text.bytes().all(|byte| byte.is_ascii() && byte != 0 && byte != b'\r')
        && text.lines().all(|line| line.len() <= 998);
    if as_it_is {
        Body::dangerous_pre_encoded(
            text.replace('\n', "\r\n").into_bytes(),
            ContentTransferEncoding::SevenBit,
        )
    } else {
        Body::new(text)
    }
}

#[cfg(test)]
mod tests;
