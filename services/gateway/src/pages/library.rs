//! The library: a list, and an article.

use super::markdown::Source;
use super::{Failure, Frame, Guest, Segment, parameter, words};
use crate::error::Problem;
use crate::query;
use crate::upstream::call;
use askama::Template;
use axum::extract::RawQuery;
use axum::response::Response;
use candor_proto::content::v1::{Article, GetArticleRequest, ListArticlesRequest, Step};

/// Articles on one page.
const PAGE: i32 = 30;

#[derive(Template)]
#[template(path = "library.html")]
struct Page {
    frame: Frame,
    steps: Vec<Filter>,
    all: bool,
    articles: Vec<Shown>,
    more: Option<String>,
}

struct Filter {
    number: i32,
    name: &'static str,
    chosen: bool,
}

struct Shown {
    link: String,
    title: String,
    summary: String,
    step: &'static str,
    minutes: i32,
}

pub(super) async fn show(guest: Guest, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let step = parameter(query.as_deref(), "step").and_then(|text| text.parse::<i32>().ok());
    let step = step.and_then(|number| Step::try_from(number).ok()).unwrap_or(Step::Unspecified);
    let request = ListArticlesRequest {
        locale: "en".into(),
        step: step.into(),
        page_size: PAGE,
        page_token: parameter(query.as_deref(), "from").unwrap_or_default(),
    };
    let reply = guest.app.upstream.library().list_articles(call(request, None)?).await?.into_inner();
    let token = reply.next_page_token;
    let more =
        (!token.is_empty()).then(|| format!("/library?step={}&from={}", step as i32, query::encode(&token)));
    let filters = words::steps().map(|other| Filter {
        number: other as i32,
        name: words::step(other),
        chosen: other == step,
    });
    let page = Page {
        frame: guest.frame("library"),
        steps: filters.collect(),
        all: step == Step::Unspecified,
        articles: reply.articles.iter().map(shown).collect(),
        more,
    };
    guest.show(&page)
}

fn shown(article: &Article) -> Shown {
    Shown {
        link: format!("/library/{}", query::encode(&article.article_id)),
        title: article.title.clone(),
        summary: article.summary.clone(),
        step: words::step(article.step()),
        minutes: article.reading_minutes,
    }
}

#[derive(Template)]
#[template(path = "article.html")]
struct ArticlePage {
    frame: Frame,
    article: Article,
    step: &'static str,
    html: String,
}

pub(super) async fn show_article(guest: Guest, Segment(article_id): Segment) -> Result<Response, Failure> {
    let request = GetArticleRequest { article_id, locale: "en".into() };
    let reply = guest.app.upstream.library().get_article(call(request, None)?).await?.into_inner();
    let mut article = reply.article.ok_or_else(Problem::internal)?;
    let html = guest.app.desk.html(std::mem::take(&mut article.body), Source::Library).await?;
    let (frame, step) = (guest.frame("library"), words::step(article.step()));
    guest.show(&ArticlePage { frame, step, html, article })
}
