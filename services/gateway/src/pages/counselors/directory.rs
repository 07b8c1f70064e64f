//! Where members find counselors.

use super::{Choice, choices, sentences, specialties_of};
use crate::error::Problem;
use crate::pages::self_check::is_careful;
use crate::pages::{Failure, Frame, Member, Segment, parameter};
use crate::query;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::Response;
use candor_proto::accounts::v1::{Counselor, GetCounselorRequest, ListCounselorsRequest, PublicLicence};

/// Counselors on one page.
const PAGE: i32 = 20;

#[derive(Template)]
#[template(path = "counselors.html")]
struct Page {
    frame: Frame,
    sought: Sought,
    specialties: Vec<Choice>,
    counselors: Vec<Shown>,
    more: Option<String>,
    /// What is wrong with what was sought.
    wrong: Vec<String>,
}

#[derive(Template)]
#[template(path = "counselor.html")]
struct OnePage {
    frame: Frame,
    counselor: Shown,
    /// Whether they can be proposed to a partner. Nothing for two is suggested to whoever is careful.
    for_two: bool,
}

/// What is sought.
struct Sought {
    specialty: i32,
    language: String,
    jurisdiction: String,
    accepting: bool,
}

struct Shown {
    id: String,
    name: String,
    languages: String,
    specialties: Vec<&'static str>,
    approach: String,
    accepts_clients: bool,
    licences: Vec<PublicLicence>,
}

impl Sought {
    fn of(query: Option<&str>) -> Self {
        let text = |name| parameter(query, name).unwrap_or_default();
        Self {
            specialty: text("specialty").parse().unwrap_or(0),
            language: text("language").trim().to_owned(),
            jurisdiction: text("place").trim().to_owned(),
            accepting: text("accepting") == "yes",
        }
    }

    /// Whether anything is sought in particular.
    fn is_narrow(&self) -> bool {
        self.specialty != 0 || !self.language.is_empty() || !self.jurisdiction.is_empty() || self.accepting
    }

    /// Where the next page of the same is.
    fn next(&self, token: &str) -> Option<String> {
        let accepting = if self.accepting { "yes" } else { "" };
        let (language, place) = (query::encode(&self.language), query::encode(&self.jurisdiction));
        let sought =
            format!("specialty={}&language={language}&place={place}&accepting={accepting}", self.specialty);
        (!token.is_empty()).then(|| format!("/counselors?{sought}&from={}", query::encode(token)))
    }
}

pub(super) async fn show(member: Member, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let sought = Sought::of(query.as_deref());
    let request = member.call(ListCounselorsRequest {
        specialty: sought.specialty,
        language: sought.language.clone(),
        jurisdiction: sought.jurisdiction.clone(),
        accepting: sought.accepting,
        page_size: PAGE,
        page_token: parameter(query.as_deref(), "from").unwrap_or_default(),
    })?;
    let mut page = Page {
        frame: member.guest.frame("counselors"),
        specialties: choices(&[sought.specialty]),
        counselors: Vec::new(),
        more: None,
        wrong: Vec::new(),
        sought,
    };
    let status = match member.guest.app.upstream.counselors().list_counselors(request).await {
        Ok(reply) => {
            let reply = reply.into_inner();
            page.more = page.sought.next(&reply.next_page_token);
            page.counselors = reply.counselors.into_iter().map(shown).collect();
            StatusCode::OK
        }
        Err(status) => {
            let problem = Problem::from(status);
            if problem.status != StatusCode::BAD_REQUEST {
                return Err(Failure(problem));
            }
            page.wrong = sentences(&problem);
            problem.status
        }
    };
    member.guest.show_with(status, &page)
}

pub(super) async fn show_one(member: Member, Segment(account_id): Segment) -> Result<Response, Failure> {
    let request = member.call(GetCounselorRequest { counselor_account_id: account_id })?;
    let reply = member.guest.app.upstream.counselors().get_counselor(request).await;
    let reply = reply.map_err(|status| match status.code() {
        tonic::Code::InvalidArgument | tonic::Code::NotFound => Failure::closed(),
        _ => Failure::from(status),
    })?;
    let counselor = reply.into_inner().counselor.ok_or_else(Failure::closed)?;
    let (couple, careful) = tokio::join!(member.couple(), is_careful(&member));
    let for_two = couple.is_ok_and(|couple| couple.is_some()) && !careful;
    member.guest.show(&OnePage {
        frame: member.guest.frame("counselors"),
        counselor: shown(counselor),
        for_two,
    })
}

fn shown(counselor: Counselor) -> Shown {
    Shown {
        id: counselor.account_id,
        name: counselor.name,
        languages: counselor.languages.join(", "),
        specialties: specialties_of(&counselor.specialties),
        approach: counselor.approach,
        accepts_clients: counselor.accepts_clients,
        licences: counselor.licences,
    }
}
