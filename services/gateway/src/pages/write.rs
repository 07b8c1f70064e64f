//! Writing an entry. Nothing typed here is ever thrown away: whatever goes wrong, the page comes back with it.

use super::form::{Form, NotYet, Words};
use super::opened::Readers;
use super::{Failure, Frame, Guest, Member, go, words};
use crate::error::Problem;
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::journal::v1::{Mood, WriteEntryRequest};

#[derive(Template)]
#[template(path = "write.html")]
struct Page {
    frame: Frame,
    entry_id: String,
    title: String,
    body: String,
    time_zone: String,
    pleasantness: Vec<Choice>,
    energy: Vec<Choice>,
    body_signs: Vec<Choice>,
    message: Option<String>,
    /// Who can read what is kept; nothing is said where nobody asked.
    readers: Option<Readers>,
}

impl Page {
    /// The counselors who can read what is kept.
    fn reader_names(&self) -> &[String] {
        match &self.readers {
            Some(Readers::Known { counselors, .. }) => counselors,
            Some(Readers::Unknown) | None => &[],
        }
    }

    /// The software that can.
    fn software_names(&self) -> &[String] {
        match &self.readers {
            Some(Readers::Known { software, .. }) => software,
            Some(Readers::Unknown) | None => &[],
        }
    }

    /// Whether it could not be asked.
    fn is_unknown(&self) -> bool {
        matches!(self.readers, Some(Readers::Unknown))
    }

    /// Whether anything was said of mood and body, so that it is not hidden.
    fn any_chosen(&self) -> bool {
        let mut choices = self.pleasantness.iter().chain(&self.energy).chain(&self.body_signs);
        choices.any(|choice| choice.chosen && !choice.value.is_empty())
    }
}

/// One radio button or check box.
struct Choice {
    value: String,
    words: &'static str,
    chosen: bool,
}

pub(super) async fn show(member: Member) -> Result<Response, Failure> {
    let guest = &member.guest;
    let (time_zone, readers) = tokio::join!(member.time_zone(), Readers::of(&member));
    let blank = Written {
        entry_id: guest.app.ids.next().to_string(),
        time_zone: time_zone.iana_name().unwrap_or("UTC").to_owned(),
        ..Written::default()
    };
    guest.show(&Page { readers: Some(readers), ..page(guest, blank, None) })
}

pub(super) async fn submit(words: Words) -> Result<Response, Failure> {
    let Words { guest, form, member } = words;
    let written = Written::of(&form);
    let member = match member {
        Ok(member) => member,
        Err(not) => return guest.show_with(not.status, &page(&guest, written, Some(not.message))),
    };
    let request = member.call(written.request())?;
    match guest.app.upstream.entries().write_entry(request).await {
        Ok(reply) => {
            let entry = reply.into_inner().entry.unwrap_or_default();
            Ok(go(&format!("/entries/{}", entry.entry_id)))
        }
        Err(status) => refused(&guest, written, status.into(), Readers::of(&member).await),
    }
}

fn refused(
    guest: &Guest,
    mut written: Written,
    problem: Problem,
    readers: Readers,
) -> Result<Response, Failure> {
    let NotYet { status, mut message } = NotYet::after(&problem);
    if problem.status == StatusCode::CONFLICT {
        // Sent before with other words, as happens after going back: a new id keeps both.
        written.entry_id = guest.app.ids.next().to_string();
        message = "This page was kept once already, with other words. That entry is safe. \
             To keep these words as an entry of their own, press Keep again."
            .into();
    }
    guest.show_with(status, &Page { readers: Some(readers), ..page(guest, written, Some(message)) })
}

/// What the form holds.
#[derive(Default)]
struct Written {
    entry_id: String,
    title: String,
    body: String,
    time_zone: String,
    pleasantness: Option<i32>,
    energy: Option<i32>,
    body_signs: Vec<i32>,
}

impl Written {
    fn of(form: &Form) -> Self {
        Self {
            entry_id: form.text("entry_id"),
            title: form.text("title").trim().to_owned(),
            body: form.text("body"),
            time_zone: form.text("time_zone"),
            pleasantness: form.text("pleasantness").parse().ok(),
            energy: form.text("energy").parse().ok(),
            body_signs: form.all("body_sign").filter_map(|sign| sign.parse().ok()).collect(),
        }
    }

    fn request(&self) -> WriteEntryRequest {
        let said = self.pleasantness.is_some() || self.energy.is_some() || !self.body_signs.is_empty();
        let mood = said.then(|| Mood {
            pleasantness: self.pleasantness.unwrap_or_default(),
            energy: self.energy.unwrap_or_default(),
            body_signs: self.body_signs.clone(),
        });
        WriteEntryRequest {
            entry_id: self.entry_id.clone(),
            body: self.body.clone(),
            title: self.title.clone(),
            entry_time: None,
            time_zone: self.time_zone.clone(),
            mood,
        }
    }
}

fn page(guest: &Guest, written: Written, message: Option<String>) -> Page {
    let scale = |choices: &[(i32, &'static str)], chosen: Option<i32>| {
        let choices = choices.iter();
        let said = choices.map(|(value, words)| Choice {
            value: value.to_string(),
            words,
            chosen: chosen == Some(*value),
        });
        let unsaid = Choice { value: String::new(), words: "rather not say", chosen: chosen.is_none() };
        [unsaid].into_iter().chain(said).collect()
    };
    let signs = words::body_signs().map(|(value, words)| Choice {
        value: value.to_string(),
        words,
        chosen: written.body_signs.contains(&value),
    });
    Page {
        frame: guest.frame("write"),
        pleasantness: scale(&words::PLEASANTNESS, written.pleasantness),
        energy: scale(&words::ENERGY, written.energy),
        body_signs: signs.collect(),
        entry_id: written.entry_id,
        title: written.title,
        body: written.body,
        time_zone: written.time_zone,
        message,
        readers: None,
    }
}
