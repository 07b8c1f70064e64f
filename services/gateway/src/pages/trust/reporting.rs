//! Reporting somebody: what is attached is seen before it is sent. And keeping them away.

use super::REASONS;
use crate::error::Problem;
use crate::pages::{Failure, Form, Frame, Member, Segment, go, parameter};
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{
    BlockPersonRequest, Evidence, EvidenceKind, ReportPersonRequest, ReportReason,
};
use candor_proto::journal::v1::{GetReceivedShareRequest, Rendering};
use candor_proto::options::v1::Scope;

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    frame: Frame,
    account_id: String,
    name: Option<String>,
    is_member: bool,
    said: Said,
    /// Whether it is about something that is not open to them any more.
    gone: bool,
    reasons: Vec<(i32, &'static str)>,
    wrong: Vec<String>,
}

#[derive(Template)]
#[template(path = "report_preview.html")]
struct Preview {
    frame: Frame,
    account_id: String,
    said: Said,
    reason: &'static str,
    block: bool,
    /// So that what is sent twice arrives once.
    attempt: String,
}

#[derive(Template)]
#[template(path = "report_sent.html")]
struct Sent {
    frame: Frame,
    blocked: bool,
}

#[derive(Template)]
#[template(path = "report_block.html")]
struct BlockPage {
    frame: Frame,
    account_id: String,
    name: Option<String>,
}

/// What the form holds.
#[derive(Default)]
struct Said {
    share_id: String,
    reason: i32,
    note: String,
    /// What was shown to the member, as far as they attach it.
    shown: String,
    /// What they typed or pasted.
    typed: String,
    block: bool,
}

impl Said {
    fn of(form: &Form) -> Self {
        let text = |name| form.text(name).trim().to_owned();
        Self {
            share_id: text("share"),
            reason: text("reason").parse().unwrap_or(0),
            note: text("note"),
            shown: text("shown"),
            typed: text("typed"),
            block: text("block") == "yes",
        }
    }

    /// What goes with the report, and nothing else.
    fn evidence(&self) -> Vec<Evidence> {
        let one = |kind: EvidenceKind, words: &str| Evidence { kind: kind.into(), words: words.to_owned() };
        let all = [(EvidenceKind::Shown, &self.shown), (EvidenceKind::Typed, &self.typed)];
        all.into_iter().filter(|(_, words)| !words.is_empty()).map(|(kind, words)| one(kind, words)).collect()
    }

    fn reason(&self) -> Option<ReportReason> {
        ReportReason::try_from(self.reason).ok().filter(|reason| *reason != ReportReason::Unspecified)
    }
}

/// The form; with what was shown to the member, where they come from there. What was taken back meanwhile, or went with a link
/// that ended, can be reported as well: its words are gone, and whoever read them can say what they were.
pub(super) async fn show(
    member: Member,
    Segment(account_id): Segment,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let account_id = account(&account_id)?;
    let (mut said, mut gone) = (Said::default(), false);
    if let Some(share_id) = parameter(query.as_deref(), "share") {
        said.share_id = account(&share_id)?;
        match shown(&member, &account_id, &said.share_id).await {
            Ok(words) => said.shown = words,
            Err(Failure(problem)) if problem.status == StatusCode::NOT_FOUND => gone = true,
            Err(other) => return Err(other),
        }
    }
    let page = Page { gone, ..form(&member, account_id, said).await? };
    member.guest.show(&page)
}

/// An address of ours names an account by its id.
fn account(segment: &str) -> Result<String, Failure> {
    uuid::Uuid::try_parse(segment).map(|id| id.to_string()).map_err(|_| Failure::closed())
}

/// The words of something that is open to the member, for them to attach or not.
async fn shown(member: &Member, account_id: &str, share_id: &str) -> Result<String, Failure> {
    let opened = member.open(account_id, Scope::SharedItems, Some(share_id)).await;
    let opened = opened.map_err(Failure::between_two)?;
    let request =
        GetReceivedShareRequest { owner_account_id: account_id.to_owned(), share_id: share_id.to_owned() };
    let request = member.call_opened(request, opened)?;
    let reply = member.guest.app.upstream.shares().get_received_share(request).await;
    let rendering = reply.map_err(Failure::between_two)?.into_inner().rendering;
    Ok(rendering.map(|rendering| letters(&rendering)).unwrap_or_default())
}

fn letters(rendering: &Rendering) -> String {
    let parts = [&rendering.title, &rendering.words, &rendering.body];
    let parts: Vec<&str> = parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join("\n\n")
}

async fn form(member: &Member, account_id: String, said: Said) -> Result<Page, Failure> {
    let is_member = member.guest.frame("report").station.is_member();
    let name = if is_member { member.others().await?.name_of(&account_id) } else { None };
    Ok(Page {
        frame: member.guest.frame("report"),
        account_id,
        name,
        is_member,
        said,
        gone: false,
        reasons: REASONS.map(|(reason, words)| (reason.into(), words)).to_vec(),
        wrong: Vec::new(),
    })
}

async fn page(
    member: &Member,
    account_id: String,
    said: Said,
    status: StatusCode,
    wrong: Vec<String>,
) -> Result<Response, Failure> {
    let page = Page { wrong, ..form(member, account_id, said).await? };
    member.guest.show_with(status, &page)
}

/// Shows exactly what will be read.
pub(super) async fn preview(
    member: Member,
    Segment(account_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let (account_id, said) = (account(&account_id)?, Said::of(&form));
    let Some(reason) = said.reason() else {
        let wrong = vec!["Please choose why you report this.".to_owned()];
        return page(&member, account_id, said, StatusCode::BAD_REQUEST, wrong).await;
    };
    let (frame, block) = (member.guest.frame("report"), said.block);
    let attempt = member.guest.app.ids.next_opaque().to_string();
    member.guest.show(&Preview { frame, account_id, said, reason: super::reason(reason), block, attempt })
}

/// The form once more, with everything that was typed.
pub(super) async fn change(
    member: Member,
    Segment(account_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    page(&member, account(&account_id)?, Said::of(&form), StatusCode::OK, Vec::new()).await
}

pub(super) async fn send(
    member: Member,
    Segment(account_id): Segment,
    form: Form,
) -> Result<Response, Failure> {
    let (account_id, said) = (account(&account_id)?, Said::of(&form));
    let request = member.call(ReportPersonRequest {
        account_id: account_id.clone(),
        share_id: said.share_id.clone(),
        reason: said.reason,
        note: said.note.clone(),
        evidence: said.evidence(),
        attempt_id: form.text("attempt"),
    })?;
    let upstream = &member.guest.app.upstream;
    if let Err(status) = upstream.trust().report_person(request).await {
        let problem = Problem::from(status);
        if matches!(problem.status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) {
            return Err(Failure::between_two(problem));
        }
        return page(&member, account_id, said, problem.status, sentences(&problem)).await;
    }
    if said.block {
        let request = member.call(BlockPersonRequest { account_id })?;
        upstream.trust().block_person(request).await.map_err(Failure::between_two)?;
    }
    member.guest.show(&Sent { frame: member.guest.frame("report"), blocked: said.block })
}

/// What is wrong with a form, as sentences.
fn sentences(problem: &Problem) -> Vec<String> {
    if problem.violations.is_empty() {
        return vec![problem.detail.clone()];
    }
    let sentence = |wrong: &crate::error::Violation| {
        let name = match wrong.field.as_str() {
            "note" => "What you say with it",
            "reason" => "The reason",
            _ => "Something you attached",
        };
        format!("{name} {}.", wrong.description)
    };
    problem.violations.iter().map(sentence).collect()
}

/// What a block means, before it is done.
pub(super) async fn show_block(member: Member, Segment(account_id): Segment) -> Result<Response, Failure> {
    let account_id = account(&account_id)?;
    let name = member.others().await?.name_of(&account_id);
    member.guest.show(&BlockPage { frame: member.guest.frame("report"), account_id, name })
}

pub(super) async fn block(
    member: Member,
    Segment(account_id): Segment,
    _form: Form,
) -> Result<Response, Failure> {
    let request = member.call(BlockPersonRequest { account_id: account(&account_id)? })?;
    member.guest.app.upstream.trust().block_person(request).await.map_err(Failure::between_two)?;
    Ok(go("/couple/pauses"))
}
