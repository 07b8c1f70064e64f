//! The answers one wrote. They stay one's own, whatever becomes of what they answer.

use super::markdown::{Source, to_html};
use super::{Failure, Frame, Member, parameter, words};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::journal::v1::ListOwnAnswersRequest;

/// Answers on one page.
const PAGE: i32 = 20;

#[derive(Template)]
#[template(path = "answers.html")]
struct Page {
    frame: Frame,
    answers: Vec<Shown>,
    older: Option<String>,
}

struct Shown {
    html: String,
    moment: Option<words::Moment>,
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let page_token = parameter(query.as_deref(), "from").unwrap_or_default();
    let request = member.call(ListOwnAnswersRequest { page_size: PAGE, page_token })?;
    let mut client = member.guest.app.upstream.shares();
    let (reply, zone) = tokio::join!(client.list_own_answers(request), member.time_zone());
    let reply = reply?.into_inner();
    let token = reply.next_page_token;
    let older = (!token.is_empty()).then(|| format!("/answers?from={}", query::encode(&token)));
    let work = move || {
        let answers = reply.answers.into_iter().map(|answer| Shown {
            html: to_html(&answer.body, Source::Member),
            moment: words::moment(answer.create_time.as_ref(), &zone),
        });
        answers.collect()
    };
    let answers = member.guest.app.desk.work(work).await?;
    member.guest.show(&Page { frame: member.guest.frame("answers"), answers, older })
}
