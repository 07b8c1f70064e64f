//! Reading the library: languages, pages, and requests that are not well meant.

use crate::{empty, library, load};
use candor_proto::content::v1::library_service_server::LibraryService;
use candor_proto::content::v1::{Article, GetArticleRequest, ListArticlesRequest, ListArticlesResponse};
use content::domain::{Locale, PageToken, Step};
use content::rpc;
use sqlx::PgPool;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

async fn get(pool: &PgPool, article_id: &str, locale: &str) -> Result<Article, Status> {
    let request = GetArticleRequest { article_id: article_id.to_owned(), locale: locale.to_owned() };
    let answer = rpc::Library::new(pool.clone()).get_article(Request::new(request)).await?;
    Ok(answer.into_inner().article.unwrap())
}

async fn list(pool: &PgPool, request: ListArticlesRequest) -> Result<ListArticlesResponse, Status> {
    Ok(rpc::Library::new(pool.clone()).list_articles(Request::new(request)).await?.into_inner())
}

fn field(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument);
    status.get_error_details().bad_request().unwrap().field_violations[0].field.clone()
}

/// The library with one article in German and in Austrian German as well.
async fn translated(pool: &PgPool) {
    let mut articles = library();
    for (locale, title) in [("de", "Was eine Mauer ist"), ("de-AT", "Was eine Mauer is")] {
        let mut article = articles.iter().find(|article| article.id == "what-a-wall-is").unwrap().clone();
        article.locale = Locale::parse(locale).unwrap();
        article.title = title.to_owned();
        articles.push(article);
    }
    load(pool, &articles).await;
}

#[tokio::test]
async fn the_wished_language_comes_first_then_its_parent_then_english() {
    let database = empty().await;
    let pool = database.pool();
    translated(pool).await;
    for (wished, found) in [
        ("de-AT", "de-AT"),
        ("DE-at", "de-AT"),
        ("de-CH", "de"),
        ("de", "de"),
        ("fr", "en"),
        ("en-GB", "en"),
        ("", "en"),
    ] {
        let article = get(pool, "what-a-wall-is", wished).await.unwrap();
        assert_eq!(article.locale, found, "{wished}");
    }
    assert_eq!(get(pool, "finding-a-counselor", "de-AT").await.unwrap().locale, "en");

    let listed =
        list(pool, ListArticlesRequest { locale: "de-AT".into(), ..Default::default() }).await.unwrap();
    assert_eq!(listed.articles.len(), library().len());
    assert_eq!(listed.articles[0].title, "Was eine Mauer is");
    assert_eq!(listed.articles[1].locale, "en");
}

#[tokio::test]
async fn an_article_says_what_it_rests_on_and_a_list_leaves_the_text_out() {
    let database = empty().await;
    let pool = database.pool();
    load(pool, &library()).await;
    let article = get(pool, "body-signs-when-opening-up", "en").await.unwrap();
    assert_eq!((article.clinical_review.as_str(), article.version), ("none", 1));
    assert_eq!((article.evidence.as_str(), article.kind.as_str()), ("studies", "article"));
    assert_eq!(
        (article.reviewed_date.as_str(), article.next_review_date.as_str()),
        ("2026-11-23", "2027-11-22")
    );
    assert!(article.body.contains("call the emergency number") && article.sources.len() == 2);
    assert!(
        !article.need.is_empty() && !article.next_action.is_empty() && !article.contraindications.is_empty()
    );

    let listed = list(pool, ListArticlesRequest::default()).await.unwrap();
    assert!(listed.articles.iter().all(|article| article.body.is_empty() && !article.title.is_empty()));
    assert_eq!(listed.next_page_token, "");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let database = empty().await;
    let pool = database.pool();
    load(pool, &library()).await;
    for id in
        ["no-such", "What-A-Wall-Is", "../en/what-a-wall-is", "what-a-wall-is.md", "%", "' OR 1=1 --", "ä"]
    {
        let status = get(pool, id, "en").await.err().unwrap();
        assert_eq!(status.code(), Code::NotFound, "{id}");
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "ARTICLE_NOT_FOUND");
    }
    load(pool, &library()[1..]).await;
    let withdrawn = library().remove(0);
    assert_eq!(get(pool, &withdrawn.id, "en").await.err().unwrap().code(), Code::NotFound);
    let listed = list(pool, ListArticlesRequest::default()).await.unwrap();
    assert!(listed.articles.iter().all(|article| article.article_id != withdrawn.id));
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat_even_while_the_library_changes() {
    let database = empty().await;
    let pool = database.pool();
    load(pool, &library()).await;
    let whole = list(pool, ListArticlesRequest { page_size: 100, ..Default::default() }).await.unwrap();
    let order: Vec<_> = whole.articles.iter().map(|article| article.article_id.clone()).collect();
    assert!(whole.articles.is_sorted_by_key(|article| article.step));

    for page_size in [1, 2, 3, 5] {
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let page = list(pool, ListArticlesRequest { page_size, page_token, ..Default::default() })
                .await
                .unwrap();
            assert!(page.articles.len() <= page_size as usize);
            seen.extend(page.articles.into_iter().map(|article| article.article_id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, order, "{page_size}");
    }

    // The article a token points at may be gone by the time it is used.
    let first = list(pool, ListArticlesRequest { page_size: 1, ..Default::default() }).await.unwrap();
    let rest: Vec<_> = library().into_iter().filter(|article| article.id != order[0]).collect();
    load(pool, &rest).await;
    let request =
        ListArticlesRequest { page_size: 1, page_token: first.next_page_token, ..Default::default() };
    assert_eq!(list(pool, request).await.unwrap().articles[0].article_id, order[1]);
}

#[tokio::test]
async fn a_list_can_be_of_one_step() {
    let database = empty().await;
    let pool = database.pool();
    load(pool, &library()).await;
    let step = i32::from(Step::Journal.number());
    let journal = list(pool, ListArticlesRequest { step, ..Default::default() }).await.unwrap();
    let ids: Vec<_> = journal.articles.iter().map(|article| article.article_id.as_str()).collect();
    assert_eq!(ids, ["why-writing-can-help", "first-entry-in-ten-minutes"]);
}

#[tokio::test]
async fn hostile_requests_are_refused_by_name() {
    let database = empty().await;
    let pool = database.pool();
    load(pool, &library()).await;
    let refused = async |request: ListArticlesRequest| field(&list(pool, request).await.err().unwrap());
    for page_token in ["x", "====", "MXxlbnwwfDB8MHw", "' OR 1=1 --", "\u{0}", "ä", "AAAAAAAAAAAAAAAAAAAA"] {
        let request = ListArticlesRequest { page_token: page_token.into(), ..Default::default() };
        assert_eq!(refused(request).await, "page_token", "{page_token:?}");
    }
    let token = |locale: &str, filter| PageToken {
        locale: Locale::parse(locale).unwrap(),
        filter,
        step: 1,
        position: 10,
        article_id: "what-a-wall-is".to_owned(),
    };
    for foreign in [token("de", None), token("en", Some(Step::Journal))] {
        let request = ListArticlesRequest { page_token: foreign.encode(), ..Default::default() };
        assert_eq!(refused(request).await, "page_token");
    }
    let request = ListArticlesRequest { page_token: "A".repeat(257), ..Default::default() };
    assert_eq!(refused(request).await, "page_token");
    assert_eq!(refused(ListArticlesRequest { page_size: 101, ..Default::default() }).await, "page_size");
    assert_eq!(refused(ListArticlesRequest { page_size: -1, ..Default::default() }).await, "page_size");
    assert_eq!(refused(ListArticlesRequest { step: 8, ..Default::default() }).await, "step");
    for locale in ["de_AT", "../en", "*", "e", "en\u{0}"] {
        assert_eq!(
            refused(ListArticlesRequest { locale: locale.into(), ..Default::default() }).await,
            "locale"
        );
        assert_eq!(field(&get(pool, "what-a-wall-is", locale).await.err().unwrap()), "locale");
    }
    assert_eq!(field(&get(pool, "", "en").await.err().unwrap()), "article_id");
    assert_eq!(field(&get(pool, &"a".repeat(121), "en").await.err().unwrap()), "article_id");
    assert_eq!(field(&get(pool, "a\0", "en").await.err().unwrap()), "article_id");

    // A place that never was is a place all the same.
    let beyond = PageToken { step: 7, position: i32::MAX, ..token("en", None) };
    let request = ListArticlesRequest { page_token: beyond.encode(), ..Default::default() };
    assert!(list(pool, request).await.unwrap().articles.is_empty());
}
