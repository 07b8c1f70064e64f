//! What the owner sees of their shares: one of them, all, those of one item, those that are open.

use super::{Pair, link, list_shares, moment, own_share, pair, refusal, selection, state};
use crate::stage::{entry, fields};
use candor_proto::journal::v1::{ListSharesRequest, Share, ShareDepth, ShareItemRequest};
use jiff::ToSpan as _;
use journal::domain::ShareState;
use tonic::Code;

fn of(item_id: &str, page_size: i32) -> ListSharesRequest {
    ListSharesRequest { page_size, item_id: item_id.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn the_owner_sees_where_each_share_stands() {
    let pair = pair().await;
    let now = pair.stage.clock.now();
    let soon = ShareItemRequest { expire_time: moment(now + 30.minutes()), ..pair.topic("over soon") };
    let waits = ShareItemRequest { open_now: false, ..pair.topic("waits") };
    for request in [pair.topic("open"), waits, soon, pair.topic("withdrawn")] {
        pair.share(request).await;
    }
    let withdrawn = pair.own().await.into_iter().find(|it| words(it) == "withdrawn").unwrap();
    pair.withdraw(&withdrawn.share_id).await.unwrap();
    let states = async || {
        let mut states: Vec<_> = pair.own().await.iter().map(|it| (words(it), state(it))).collect();
        states.sort_by(|one, other| one.0.cmp(&other.0));
        states
    };
    use ShareState::{Ended, Expired, Open, Waiting, Withdrawn};
    let stand = |open, over, waits| {
        [("open", open), ("over soon", over), ("waits", waits), ("withdrawn", Withdrawn)]
            .map(|(words, state)| (words.to_owned(), state))
    };
    assert_eq!(states().await, stand(Open, Open, Waiting));
    pair.stage.advance_hours(1);
    assert_eq!(states().await, stand(Open, Expired, Open));
    pair.unlink().await;
    assert_eq!(states().await, stand(Ended, Expired, Ended));
    // A new link revives nothing.
    link(&pair.stage, pair.ada, pair.ben).await;
    pair.stage.advance_hours(10_000);
    assert_eq!(states().await, stand(Ended, Expired, Ended));
    // It is the owner's list alone.
    let of_ben = list_shares(pair.journal(), pair.ben, ListSharesRequest::default()).await.unwrap();
    assert!(of_ben.shares.is_empty());
}

fn words(share: &Share) -> String {
    share.rendering.as_ref().unwrap().words.clone()
}

async fn all_pages(pair: &Pair, wanted: &ListSharesRequest) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListSharesRequest { page_token, ..wanted.clone() };
        let page = list_shares(pair.journal(), pair.ada, request).await.unwrap();
        pages.push(page.shares.iter().map(words).collect());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return pages;
        }
    }
}

#[tokio::test]
async fn shares_come_in_pages_newest_first_of_all_items_or_of_one() {
    let pair = pair().await;
    let long = pair.stage.ids.next();
    pair.stage.write(pair.ada, entry(long, &"ä".repeat(32 * 1024))).await.unwrap();
    for n in 0..20 {
        let wanted = match n % 2 {
            0 => selection(long, ShareDepth::Whole, &n.to_string(), &[]),
            _ => selection(pair.entry_id, ShareDepth::Topic, &n.to_string(), &[]),
        };
        pair.share(ShareItemRequest { selection: Some(wanted), ..pair.topic("") }).await;
        if n % 3 == 0 {
            pair.stage.advance_hours(1);
        }
    }
    let newest_first: Vec<String> = (0..20).rev().map(|n| n.to_string()).collect();
    assert_eq!(all_pages(&pair, &of("", 3)).await.concat(), newest_first);
    let odd: Vec<String> = newest_first.iter().step_by(2).cloned().collect();
    assert_eq!(all_pages(&pair, &of(&pair.entry_id.to_string(), 4)).await.concat(), odd);
    // 16 whole entries of 64 KiB do not fit one message.
    for n in 20..26 {
        let wanted = selection(long, ShareDepth::Whole, &n.to_string(), &[]);
        pair.share(ShareItemRequest { selection: Some(wanted), ..pair.topic("") }).await;
    }
    let pages = all_pages(&pair, &of(&long.to_string(), 100)).await;
    assert!(pages.len() == 2 && pages.concat().len() == 16, "{pages:?}");
    let wrong = ListSharesRequest { page_token: "made-up".into(), ..Default::default() };
    let refused = list_shares(pair.journal(), pair.ada, wrong).await.err().unwrap();
    assert_eq!(fields(&refused), ["page_token"]);
}

#[tokio::test]
async fn one_of_ones_own_is_as_in_the_list_and_anybody_elses_as_if_it_were_not_there() {
    let pair = pair().await;
    let made = pair.share(pair.topic("words")).await;
    let unknown = pair.stage.ids.next().to_string();
    for step in ["open", "withdrawn", "ended"] {
        match step {
            "withdrawn" => pair.withdraw(&made.share_id).await.unwrap(),
            "ended" => pair.unlink().await,
            _ => {}
        }
        let own = own_share(pair.journal(), pair.ada, &made.share_id).await.unwrap();
        assert!(pair.own().await == [own], "{step}");
        let missing = own_share(pair.journal(), pair.ada, &unknown).await.err().unwrap();
        assert_eq!(missing.code(), Code::NotFound);
        for who in [pair.ben, pair.stage.member()] {
            let refused = own_share(pair.journal(), who, &made.share_id).await.err().unwrap();
            assert_eq!(refusal(&refused), refusal(&missing), "{step}");
        }
    }
    let missing = own_share(pair.journal(), pair.ada, &unknown).await.err().unwrap();
    pair.stage.vault.shred(pair.ada).await.unwrap();
    let erased = own_share(pair.journal(), pair.ada, &made.share_id).await.err().unwrap();
    assert_eq!(refusal(&erased), refusal(&missing));
    let nonsense = own_share(pair.journal(), pair.ada, "7").await.err().unwrap();
    assert_eq!(fields(&nonsense), ["share_id"]);
}

#[tokio::test]
async fn only_what_is_open_or_will_open_in_pages_of_all_items_or_of_one() {
    let pair = pair().await;
    let other = pair.stage.ids.next();
    pair.stage.write(pair.ada, entry(other, "another entry")).await.unwrap();
    let soon = moment(pair.stage.clock.now() + 30.minutes());
    for n in 0..5 {
        for (words, open_now, expire_time) in
            [("open", true, None), ("waits", false, None), ("over soon", true, soon), ("back", true, None)]
        {
            let item = if n % 2 == 0 { pair.entry_id } else { other };
            let wanted = selection(item, ShareDepth::Topic, &format!("{words} {n}"), &[]);
            let request =
                ShareItemRequest { selection: Some(wanted), open_now, expire_time, ..pair.topic("") };
            let made = pair.share(request).await;
            if words == "back" {
                pair.withdraw(&made.share_id).await.unwrap();
            }
        }
    }
    let open = |item_id: &str, page_size| ListSharesRequest { open_only: true, ..of(item_id, page_size) };
    let expected = |every: usize, kinds: &[&str]| {
        let ns = (0..5).step_by(every).rev();
        ns.flat_map(|n| kinds.iter().map(move |kind| format!("{kind} {n}"))).collect::<Vec<_>>()
    };
    let first = pair.entry_id.to_string();
    for (minutes, kinds) in [(0, &["over soon", "waits", "open"][..]), (30, &["waits", "open"])] {
        pair.stage.clock.set(pair.stage.clock.now() + minutes.minutes());
        for size in [1, 2, 100] {
            assert_eq!(all_pages(&pair, &open("", size)).await.concat(), expected(1, kinds), "{size}");
            assert_eq!(all_pages(&pair, &open(&first, size)).await.concat(), expected(2, kinds), "{size}");
        }
    }
    let of_ben = ListSharesRequest { open_only: true, ..Default::default() };
    assert!(list_shares(pair.journal(), pair.ben, of_ben).await.unwrap().shares.is_empty());
    pair.unlink().await;
    link(&pair.stage, pair.ada, pair.ben).await;
    assert!(all_pages(&pair, &open("", 0)).await.concat().is_empty(), "a new link revives nothing");
    assert!(all_pages(&pair, &open(&first, 0)).await.concat().is_empty());
}

#[tokio::test]
async fn the_longest_share_there_may_be_is_listed_until_its_end() {
    let pair = pair().await;
    let end = pair.stage.clock.now() + 2160.hours();
    let request = ShareItemRequest { expire_time: moment(end), ..pair.topic("long") };
    pair.share(request).await;
    let open = ListSharesRequest { open_only: true, ..Default::default() };
    for (now, there) in [(end - 1.microsecond(), 1), (end, 0)] {
        pair.stage.clock.set(now);
        let listed = list_shares(pair.journal(), pair.ada, open.clone()).await.unwrap().shares;
        assert_eq!(listed.len(), there);
    }
}
