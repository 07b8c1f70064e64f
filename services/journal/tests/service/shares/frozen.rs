//! The preview is what the recipient reads, whatever the entry and the selection.

use super::{Pair, pair, preview, selection};
use crate::stage::entry;
use candor_proto::journal::v1::{Rendering, ShareDepth, ShareItemRequest, WriteEntryRequest};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use prost::Message as _;

const TOPIC: i32 = 1;
const SUMMARY: i32 = 2;
const EXCERPT: i32 = 3;
const WHOLE: i32 = 4;

/// An entry and what is to be shown of it.
#[derive(Debug, Clone)]
struct Case {
    title: String,
    body: String,
    /// A number of `ShareDepth`.
    depth: i32,
    words: String,
    spans: Vec<(i32, i32)>,
}

fn case() -> impl Strategy<Value = Case> {
    let text = prop_oneof!["[\\PC\n]{1,60}", "[a-z👩‍👩‍👧é🌧\u{301}\n ]{1,60}"];
    let depth = prop_oneof![
        1 => Just(TOPIC),
        1 => Just(SUMMARY),
        3 => Just(EXCERPT),
        1 => Just(WHOLE),
    ];
    let cuts = proptest::collection::btree_set(0..60i32, 2..9);
    (".{0,20}", text, depth, "\\PC{0,30}", cuts).prop_map(|(title, body, depth, words, cuts)| {
        let length = i32::try_from(body.chars().count()).unwrap();
        let cuts: Vec<i32> = cuts.into_iter().filter(|cut| *cut <= length).collect();
        let spans = cuts.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let spans = if depth == EXCERPT { spans } else { Vec::new() };
        let title = title.chars().filter(|c| !c.is_control()).collect();
        Case { title, body, depth, words, spans }
    })
}

/// What Ada previews and Ben then reads; nothing where the one is refused like the other.
async fn seen(pair: &Pair, case: &Case) -> Option<[Rendering; 2]> {
    let entry_id = pair.stage.ids.next();
    let written = WriteEntryRequest { title: case.title.clone(), ..entry(entry_id, &case.body) };
    pair.stage.write(pair.ada, written).await.ok()?;
    let depth = ShareDepth::try_from(case.depth).unwrap();
    let wanted = selection(entry_id, depth, &case.words, &case.spans);
    let request = ShareItemRequest { selection: Some(wanted.clone()), ..pair.topic("") };
    match preview(pair.journal(), pair.ada, wanted).await {
        Ok(previewed) => {
            let made = pair.share(request).await;
            let read = pair.read(&made.share_id).await.unwrap().rendering.unwrap();
            assert!(made.rendering.as_ref() == Some(&read));
            Some([previewed, read])
        }
        Err(refused) => {
            let shared = super::share(pair.journal(), pair.ada, request).await.err().unwrap();
            assert_eq!(super::refusal(&shared), super::refusal(&refused));
            None
        }
    }
}

#[test]
fn the_preview_is_what_the_recipient_reads_to_the_byte() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pair = runtime.block_on(pair());
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let shown = std::cell::Cell::new(0);
    let result = runner.run(&case(), |case| {
        pair.stage.advance_hours(1); // so many in a day would be too many
        if let Some([previewed, read]) = runtime.block_on(seen(&pair, &case)) {
            shown.set(shown.get() + 1);
            prop_assert!(previewed.encode_to_vec() == read.encode_to_vec());
            prop_assert_eq!(&read.words.trim(), &case.words.trim());
            if case.depth == WHOLE {
                prop_assert_eq!(&read.body, &case.body);
            }
            prop_assert_eq!(read.body.is_empty(), read.entry_time.is_none());
            prop_assert!(case.depth == WHOLE || read.title.is_empty());
        }
        Ok(())
    });
    result.unwrap();
    assert!(shown.get() > 75, "only {} of the cases were shown", shown.get());
    drop(runtime);
}
