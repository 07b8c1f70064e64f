//! What was shared lies nowhere in the open.

use super::{pair, rate, selection};
use crate::privacy::{CANARY, everything, hex};
use crate::stage::entry;
use candor_proto::journal::v1::{ShareDepth, ShareItemRequest, WriteEntryRequest};

#[tokio::test]
async fn no_table_and_no_event_holds_a_word_of_what_was_shared_or_answered() {
    let pair = pair().await;
    let entry_id = pair.stage.ids.next();
    let written = WriteEntryRequest { title: format!("title {CANARY}"), ..entry(entry_id, CANARY) };
    pair.stage.write(pair.ada, written).await.unwrap();
    for (depth, spans) in [(ShareDepth::Excerpt, &[(2, 9)][..]), (ShareDepth::Whole, &[])] {
        let wanted = Some(selection(entry_id, depth, &format!("words {CANARY}"), spans));
        let made = pair.share(ShareItemRequest { selection: wanted, ..pair.topic("") }).await;
        pair.read(&made.share_id).await.unwrap();
        let refused = pair.answer(&made.share_id, &CANARY.repeat(1000)).await.err().unwrap();
        assert!(!format!("{refused:?}").contains(CANARY));
        pair.answer(&made.share_id, &format!("answer {CANARY}")).await.unwrap();
        rate(pair.journal(), pair.ada, &made.share_id, 5).await.unwrap();
        pair.withdraw(&made.share_id).await.unwrap();
    }
    let rows = everything(&pair.stage.pool).await;
    for table in ["public.shares_p", "public.share_answers_p", "bus.outbox"] {
        assert!(rows.iter().any(|(name, _)| name.starts_with(table)), "the search does not see {table}");
    }
    for (table, row) in rows {
        for form in [CANARY.to_owned(), hex(CANARY), hex(&CANARY[2..9]), hex("words "), hex("answer ")] {
            assert!(!row.contains(&form), "{table} holds it");
        }
    }
}

#[tokio::test]
async fn what_a_share_shows_opens_only_where_it_was_sealed() {
    let pair = pair().await;
    let (one, two) = (pair.share(pair.topic("one")).await, pair.share(pair.topic("two")).await);
    for share in [&one, &two] {
        pair.answer(&share.share_id, CANARY).await.unwrap();
    }
    for swap in [
        "UPDATE shares SET rendering = (SELECT rendering FROM shares WHERE share_id = $1) WHERE share_id = $2",
        "UPDATE share_answers SET body = (SELECT body FROM share_answers WHERE share_id = $1) WHERE share_id = $2",
    ] {
        let ids = [&one, &two].map(|share| share.share_id.parse::<uuid::Uuid>().unwrap());
        sqlx::query(swap).bind(ids[0]).bind(ids[1]).execute(&pair.stage.pool).await.unwrap();
    }
    let refused =
        [pair.read(&two.share_id).await.err().unwrap(), pair.read_answer(&two.share_id).await.err().unwrap()];
    for refused in refused {
        assert_eq!(refused.code(), tonic::Code::Internal);
        assert!(!format!("{refused:?}").contains(CANARY));
    }
    assert!(super::reads(&pair.stage.pool).await.len() == 2, "what could not be shown was not read");
    assert!(pair.read(&one.share_id).await.is_ok() && pair.read_answer(&one.share_id).await.is_ok());
}
