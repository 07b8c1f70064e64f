//! A self-check's result, shared by the bands of chosen domains. The self-check is the one that content publishes.

use super::{Pair, pair, preview, refusal, share, state, told};
use crate::assessments::{SELF_CHECK, answer, answers, changed, publish};
use crate::stage::fields;
use candor_proto::journal::v1::{
    DomainBand, ItemAnswer, Rendering, Selection, ShareDepth, ShareItemRequest, ShareKind, ShareWithdrawn,
    Span,
};
use journal::domain::{ShareState, TOO_LITTLE};
use prost::Message as _;
use serde_json::json;
use tonic::Code;

/// Ada and Ben, with the self-check at hand.
async fn checking() -> Pair {
    let pair = pair().await;
    publish(&pair.stage, "self-check", 1, SELF_CHECK).await;
    pair
}

/// A lot of silence, fair criticism, and nothing said in the other four domains.
fn some() -> Vec<ItemAnswer> {
    let mut given = answers("silence", 3, "nearly-always");
    given.extend([answer("silence-4", "never"), answer("silence-5", "never")]);
    given.extend(answers("criticism", 5, "sometimes"));
    given
}

impl Pair {
    /// A scored self-check of Ada's.
    async fn self_check(&self, answers: Vec<ItemAnswer>) -> String {
        self.stage.checked(self.ada, answers).await.assessment_id
    }

    fn of_check(&self, id: &str, depth: ShareDepth, words: &str, domains: &[&str]) -> ShareItemRequest {
        let selection = Selection {
            kind: ShareKind::SelfCheck.into(),
            item_id: id.to_owned(),
            depth: depth.into(),
            words: words.to_owned(),
            domain_ids: domains.iter().map(|id| (*id).to_owned()).collect(),
            ..Default::default()
        };
        ShareItemRequest { selection: Some(selection), ..self.topic("") }
    }

    fn summary(&self, id: &str, domains: &[&str]) -> ShareItemRequest {
        self.of_check(id, ShareDepth::Summary, "", domains)
    }

    /// What Ben sees of a summary. It is what the preview showed and what Ada sees.
    async fn shown(&self, id: &str, domains: &[&str]) -> Rendering {
        let wanted = self.summary(id, domains);
        let previewed = preview(self.journal(), self.ada, wanted.selection.clone().unwrap()).await.unwrap();
        let made = self.share(wanted).await;
        let read = self.read(&made.share_id).await.unwrap().rendering.unwrap();
        assert!(previewed == read && made.rendering == Some(previewed));
        read
    }

    /// The refusals of a preview and of a share.
    async fn refused(&self, wanted: ShareItemRequest) -> [tonic::Status; 2] {
        let previewed = preview(self.journal(), self.ada, wanted.selection.clone().unwrap()).await;
        let shared = share(self.journal(), self.ada, wanted).await;
        [previewed.err().unwrap(), shared.err().unwrap()]
    }
}

fn bands(of: &[(&str, &str)]) -> Vec<DomainBand> {
    of.iter().map(|(title, band)| DomainBand { title: (*title).into(), band: (*band).into() }).collect()
}

const SILENCE: (&str, &str) = ("Silence about feelings", "A lot of this lately");
const CRITICISM: (&str, &str) = ("Quick with criticism", "A fair amount of this lately");
const WARMTH: (&str, &str) = ("Holding back warmth", "Too little to say.");

#[tokio::test]
async fn its_summary_is_the_chosen_bands_and_the_owners_words_and_no_number() {
    let pair = checking().await;
    let id = pair.self_check(some()).await;
    let read = pair.shown(&id, &["criticism", "silence"]).await;
    assert!(read.bands == bands(&[SILENCE, CRITICISM]), "in the order of the self-check");
    assert_eq!((read.kind, read.depth, read.words.as_str()), (2, 2, ""));
    assert!(read.title.is_empty() && read.body.is_empty() && read.entry_time.is_none());
    assert!(pair.shown(&id, &["criticism"]).await.bands == bands(&[CRITICISM]));
    assert!(pair.shown(&id, &["affection"]).await.bands == bands(&[WARMTH]));
    let all = ["trust", "hiding", "affection", "criticism", "unease", "silence"];
    let read = pair.shown(&id, &all).await.bands;
    assert!(read.len() == 6 && read[0] == bands(&[SILENCE])[0] && read[3] == bands(&[WARMTH])[0]);
    assert_eq!(read.iter().filter(|shown| shown.band == TOO_LITTLE).count(), 4);

    let introduced = pair.of_check(&id, ShareDepth::Summary, "look", &["silence"]);
    let introduced = pair.share(introduced).await.rendering.unwrap();
    assert_eq!((introduced.words.as_str(), introduced.bands.len()), ("look", 1));
    let topic = pair.of_check(&id, ShareDepth::Topic, "my silence", &[]);
    let topic = pair.share(topic).await.rendering.unwrap();
    assert_eq!((topic.words.as_str(), topic.bands.len()), ("my silence", 0));
}

#[tokio::test]
async fn whoever_reads_it_cannot_tell_why_a_domain_has_no_score() {
    let pair = checking().await;
    let mixed = ["not-wanted", "not-safe", "not-applicable", "often", "never"];
    let mixed = (1..=5).zip(mixed).map(|(n, code)| answer(&format!("affection-{n}"), code)).collect();
    let mut causes: Vec<Vec<ItemAnswer>> = vec![Vec::new(), mixed, answers("affection", 2, "often")];
    causes.extend(["not-wanted", "not-safe", "not-applicable"].map(|code| answers("affection", 5, code)));
    let mut seen: Vec<[Vec<u8>; 3]> = Vec::new();
    for cause in causes {
        let id = pair.self_check([some(), cause].concat()).await;
        let alone = pair.shown(&id, &["affection"]).await;
        let beside = pair.shown(&id, &["affection", "silence"]).await;
        let without = pair.shown(&id, &["silence", "criticism"]).await;
        assert!(beside.bands == bands(&[SILENCE, WARMTH]));
        seen.push([alone, beside, without].map(|shown| shown.encode_to_vec()));
    }
    assert!(seen.iter().all(|other| *other == seen[0]), "byte for byte");
    // What is not chosen looks like what has a score and is not chosen.
    let scored = pair.self_check([some(), answers("affection", 5, "often")].concat()).await;
    let without = pair.shown(&scored, &["silence", "criticism"]).await;
    assert_eq!(without.encode_to_vec(), seen[0][2]);
}

#[tokio::test]
async fn domains_are_chosen_from_those_of_the_version_it_was_begun_with() {
    let pair = checking().await;
    let id = pair.self_check(some()).await;
    let renamed = changed(|questionnaire| questionnaire["item"][0]["linkId"] = json!("quiet"));
    publish(&pair.stage, "self-check", 2, &renamed).await;
    let newer = pair.self_check(some()).await;
    for (id, known, unknown) in [(&id, "silence", "quiet"), (&newer, "quiet", "silence")] {
        assert!(pair.shown(id, &[known]).await.bands == bands(&[SILENCE]));
        for wrong in [&[][..], &[unknown], &[known, unknown], &["silence-1"], &[""], &[known, known]] {
            for refused in pair.refused(pair.summary(id, wrong)).await {
                assert_eq!(refused.code(), Code::InvalidArgument);
                assert_eq!(fields(&refused), ["selection.domain_ids"], "{wrong:?}");
            }
        }
    }
    let mut elsewhere = vec![pair.of_check(&id, ShareDepth::Topic, "words", &["silence"])];
    for depth in [ShareDepth::Topic, ShareDepth::Summary, ShareDepth::Whole] {
        let mut of_entry = pair.topic("words");
        let selection = of_entry.selection.as_mut().unwrap();
        (selection.depth, selection.domain_ids) = (depth.into(), vec!["silence".to_owned()]);
        elsewhere.push(of_entry);
    }
    for wanted in elsewhere {
        for refused in pair.refused(wanted).await {
            assert_eq!(fields(&refused), ["selection.domain_ids"]);
        }
    }
    assert_eq!(pair.stage.count("shares").await, 2);
}

#[tokio::test]
async fn the_same_domains_in_another_order_are_the_same_share() {
    let pair = checking().await;
    let id = pair.self_check(some()).await;
    let wanted = pair.summary(&id, &["silence", "trust"]);
    let made = pair.share(wanted.clone()).await;
    let of = |domains: &[&str]| {
        let selection = pair.summary(&id, domains).selection;
        share(pair.journal(), pair.ada, ShareItemRequest { selection, ..wanted.clone() })
    };
    assert!(of(&["trust", "silence"]).await.unwrap() == made);
    assert_eq!(of(&["silence"]).await.err().unwrap().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn only_a_result_of_ones_own_in_topic_or_summary() {
    let pair = checking().await;
    let id = pair.self_check(some()).await;
    let mut excerpt = pair.of_check(&id, ShareDepth::Excerpt, "words", &[]);
    excerpt.selection.as_mut().unwrap().spans = vec![Span { start: 0, end: 1 }];
    for wrong in [excerpt, pair.of_check(&id, ShareDepth::Whole, "words", &[])] {
        for refused in pair.refused(wrong).await {
            assert_eq!(fields(&refused), ["selection.depth"]);
        }
    }
    let unfinished = pair.stage.check(pair.ada).await.assessment_id;
    pair.stage.save_answers(pair.ada, &unfinished, some()).await.unwrap();
    let unknown = pair.stage.ids.next().to_string();
    let wanted = |id: &str, domain: &str| pair.summary(id, &[domain]).selection.unwrap();
    let missing = refusal(&preview(pair.journal(), pair.ada, wanted(&unknown, "trust")).await.err().unwrap());
    assert_eq!(missing.0, Code::NotFound);
    for (who, id) in [(pair.ada, &unfinished), (pair.ben, &id), (pair.ada, &pair.entry_id.to_string())] {
        for domain in ["trust", "nothing"] {
            let refused = preview(pair.journal(), who, wanted(id, domain)).await.err().unwrap();
            assert_eq!(refusal(&refused), missing);
        }
    }
    assert_eq!(pair.stage.count("shares").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sharing_and_deleting_at_the_same_time_nothing_stays_open() {
    let pair = checking().await;
    let mut made = 0;
    for round in 0..20 {
        pair.stage.advance_hours(24); // so many in a day would be too many
        let id = pair.self_check(some()).await;
        let sharing = (0..4).map(|_| share(pair.journal(), pair.ada, pair.summary(&id, &["trust"])));
        let deleting = async {
            for _ in 0..round % 5 {
                tokio::task::yield_now().await;
            }
            pair.stage.delete_check(pair.ada, &id).await.unwrap();
        };
        let (shared, ()) = futures::join!(futures::future::join_all(sharing), deleting);
        made += shared.iter().filter(|done| done.is_ok()).count();
        let mut refused = shared.into_iter().filter_map(Result::err);
        assert!(refused.all(|refused| refused.code() == Code::NotFound));
        assert!(pair.received().await.is_empty());
    }
    assert_eq!(pair.stage.count("shares").await, i64::try_from(made).unwrap());
    let kept = pair.stage.count("shares WHERE rendering IS NOT NULL OR withdraw_time IS NULL").await;
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn deleting_it_takes_its_shares_back() {
    let pair = checking().await;
    let id = pair.self_check(some()).await;
    let made = pair.share(pair.summary(&id, &["trust"])).await;
    pair.stage.delete_check(pair.ada, &id).await.unwrap();
    assert_eq!(pair.read(&made.share_id).await.err().unwrap().code(), Code::NotFound);
    let own = pair.own().await.remove(0);
    assert_eq!((state(&own), own.rendering.unwrap().bands.len()), (ShareState::Withdrawn, 0));
    assert_eq!(told::<ShareWithdrawn>(&pair.stage.pool).await.len(), 1);
}
