//! A self-check's result, shared by its bands.

use super::{Pair, pair, preview, refusal, share, state, told};
use crate::stage::{fields, signed_in};
use candor_proto::journal::v1::assessment_service_server::AssessmentService as _;
use candor_proto::journal::v1::{
    DeleteAssessmentRequest, DomainBand, ItemAnswer, SaveAnswersRequest, ScoreAssessmentRequest, Selection,
    ShareDepth, ShareItemRequest, ShareKind, ShareWithdrawn, Span, StartAssessmentRequest,
};
use journal::domain::ShareState;
use tonic::Code;

/// Two domains with an item each.
const QUESTIONNAIRE: &str = r#"{
  "resourceType": "Questionnaire", "url": "urn:candor:instrument:self-check", "version": "1", "status": "active",
  "title": "Self-check", "description": "For tests.",
  "extension": [{"url": "urn:candor:comparable", "valueString": "self-check-1"}],
  "item": [
    {"type": "group", "linkId": "silence", "text": "Silence", "extension": [
       {"url": "urn:candor:band", "extension": [{"url": "from", "valueInteger": 0}, {"url": "words", "valueString": "a low wall"}]},
       {"url": "urn:candor:band", "extension": [{"url": "from", "valueInteger": 50}, {"url": "words", "valueString": "a high wall"}]}],
     "item": [{"type": "choice", "linkId": "silence-1", "text": "x", "answerOption": [
       {"valueCoding": {"code": "no", "display": "x", "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 0}]}},
       {"valueCoding": {"code": "yes", "display": "x", "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 4}]}}]}]}
  ]
}"#;

impl Pair {
    /// A self-check of Ada's with a high wall, scored or not.
    async fn self_check(&self, scored: bool) -> String {
        let mut conn = self.stage.pool.acquire().await.unwrap();
        journal::app::assessments::learn_instrument(&mut conn, "self-check", 1, QUESTIONNAIRE).await.unwrap();
        drop(conn);
        let start = StartAssessmentRequest { instrument_id: "self-check".into(), ..Default::default() };
        let started = self.journal().start_assessment(signed_in(self.ada, start)).await.unwrap();
        let assessment_id = started.into_inner().assessment.unwrap().assessment_id;
        let answers = vec![ItemAnswer { link_id: "silence-1".into(), code: "yes".into() }];
        let save = SaveAnswersRequest { assessment_id: assessment_id.clone(), answers };
        self.journal().save_answers(signed_in(self.ada, save)).await.unwrap();
        if scored {
            let score = ScoreAssessmentRequest { assessment_id: assessment_id.clone() };
            self.journal().score_assessment(signed_in(self.ada, score)).await.unwrap();
        }
        assessment_id
    }

    fn bands(&self, assessment_id: &str, depth: ShareDepth, words: &str) -> ShareItemRequest {
        let selection = Selection {
            kind: ShareKind::SelfCheck.into(),
            item_id: assessment_id.to_owned(),
            depth: depth.into(),
            words: words.to_owned(),
            ..Default::default()
        };
        ShareItemRequest { selection: Some(selection), ..self.topic("") }
    }
}

#[tokio::test]
async fn its_summary_is_the_bands_and_the_owners_words_and_no_number() {
    let pair = pair().await;
    let id = pair.self_check(true).await;
    let made = pair.share(pair.bands(&id, ShareDepth::Summary, "")).await;
    let read = pair.read(&made.share_id).await.unwrap().rendering.unwrap();
    assert!(read.bands == [DomainBand { title: "Silence".into(), band: "a high wall".into() }]);
    assert_eq!((read.kind, read.depth, read.words.as_str()), (2, 2, ""));
    assert!(read.title.is_empty() && read.body.is_empty() && read.entry_time.is_none());
    let introduced = pair.share(pair.bands(&id, ShareDepth::Summary, "look")).await.rendering.unwrap();
    assert_eq!((introduced.words.as_str(), introduced.bands.len()), ("look", 1));
    let topic = pair.share(pair.bands(&id, ShareDepth::Topic, "my silence")).await.rendering.unwrap();
    assert_eq!((topic.words.as_str(), topic.bands.len()), ("my silence", 0));
}

#[tokio::test]
async fn only_a_result_of_ones_own_in_topic_or_summary() {
    let pair = pair().await;
    let id = pair.self_check(true).await;
    let excerpt = {
        let mut request = pair.bands(&id, ShareDepth::Excerpt, "words");
        request.selection.as_mut().unwrap().spans = vec![Span { start: 0, end: 1 }];
        request
    };
    for wrong in [excerpt, pair.bands(&id, ShareDepth::Whole, "words")] {
        let refused = share(pair.journal(), pair.ada, wrong).await.err().unwrap();
        assert_eq!(fields(&refused), ["selection.depth"]);
    }
    let unfinished = pair.self_check(false).await;
    let unknown = pair.stage.ids.next().to_string();
    let wanted = |id: &str| pair.bands(id, ShareDepth::Summary, "").selection.unwrap();
    let missing = refusal(&preview(pair.journal(), pair.ada, wanted(&unknown)).await.err().unwrap());
    assert_eq!(missing.0, Code::NotFound);
    for (who, id) in [(pair.ada, &unfinished), (pair.ben, &id), (pair.ada, &pair.entry_id.to_string())] {
        let refused = preview(pair.journal(), who, wanted(id)).await.err().unwrap();
        assert_eq!(refusal(&refused), missing);
    }
    assert_eq!(pair.stage.count("shares").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sharing_and_deleting_at_the_same_time_nothing_stays_open() {
    let pair = pair().await;
    let mut made = 0;
    for round in 0..20 {
        let id = pair.self_check(true).await;
        let sharing =
            (0..4).map(|_| share(pair.journal(), pair.ada, pair.bands(&id, ShareDepth::Summary, "")));
        let deleting = async {
            for _ in 0..round % 5 {
                tokio::task::yield_now().await;
            }
            let delete = DeleteAssessmentRequest { assessment_id: id.clone() };
            pair.journal().delete_assessment(signed_in(pair.ada, delete)).await.unwrap();
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
    let pair = pair().await;
    let id = pair.self_check(true).await;
    let made = pair.share(pair.bands(&id, ShareDepth::Summary, "")).await;
    let delete = DeleteAssessmentRequest { assessment_id: id };
    pair.journal().delete_assessment(signed_in(pair.ada, delete)).await.unwrap();
    assert_eq!(pair.read(&made.share_id).await.err().unwrap().code(), Code::NotFound);
    let own = pair.own().await.remove(0);
    assert_eq!((state(&own), own.rendering.unwrap().bands.len()), (ShareState::Withdrawn, 0));
    assert_eq!(told::<ShareWithdrawn>(&pair.stage.pool).await.len(), 1);
}
