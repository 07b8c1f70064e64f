//! What others wrote, left out of what somebody takes along.

use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

/// The fields with somebody else's words in messages that are otherwise one's own. Everything else of others' has calls
/// of its own, and none of those is a section.
const OF_OTHERS: [&str; 13] = [
    "candor.accounts.v1.Care.counselor_name",
    "candor.accounts.v1.Consent.counselor_name",
    "candor.accounts.v1.Couple.partner_name",
    "candor.accounts.v1.CoupleCare.counselor_name",
    "candor.accounts.v1.GrantedToMe.member_name",
    "candor.accounts.v1.HostedPlace.host_name",
    "candor.accounts.v1.InvitationPause.name",
    "candor.accounts.v1.PartnerInCare.name",
    "candor.accounts.v1.PersonInCare.member_name",
    "candor.accounts.v1.PersonInCare.note",
    "candor.accounts.v1.SoftwareConsent.counselor_name",
    "candor.accounts.v1.SoftwareConsent.software_contact",
    "candor.accounts.v1.TrustedPerson.name",
];
/// Where those in care said they are, which they said to nobody else.
const PLACES_OF_OTHERS: [&str; 2] =
    ["candor.accounts.v1.PartnerInCare.jurisdiction", "candor.accounts.v1.PersonInCare.jurisdiction"];
/// What stands there instead.
pub(super) const LEFT_OUT: &str = "(somebody else's words, so not part of this)";

/// A check-in, and the field with the partner's replies.
const CHECK_IN: &str = "candor.journal.v1.CheckIn";
const PARTNER_REPLIES: &str = "partner_replies";

/// What goes with a report; what was shown to whoever reports is somebody else's.
const EVIDENCE: &str = "candor.accounts.v1.Evidence";

/// Leaves out what others wrote, however deep it is, and says so in its place.
pub(super) fn leave_out(message: &mut DynamicMessage) {
    for (field, value) in message.fields_mut() {
        if OF_OTHERS.contains(&field.full_name()) || PLACES_OF_OTHERS.contains(&field.full_name()) {
            *value = Value::String(LEFT_OUT.to_owned());
        } else {
            leave_out_of(value);
        }
    }
    match message.descriptor().full_name() {
        CHECK_IN => mark_replies(message),
        EVIDENCE => leave_out_shown(message),
        _ => {}
    }
}

/// Of what somebody attached to a report they keep what they typed.
fn leave_out_shown(evidence: &mut DynamicMessage) {
    let typed = candor_proto::accounts::v1::EvidenceKind::Typed as i32;
    let kind = evidence.get_field_by_name("kind").and_then(|kind| kind.as_enum_number());
    if kind != Some(typed) {
        evidence.set_field_by_name("words", Value::String(LEFT_OUT.to_owned()));
    }
}

fn leave_out_of(value: &mut Value) {
    match value {
        Value::Message(message) => leave_out(message),
        Value::List(values) => values.iter_mut().for_each(leave_out_of),
        _ => {}
    }
}

/// Of a check-in that opened there are replies of the partner's, which the list never has: the place says so. Of one that did
/// not open there is nothing to say, whatever the partner did.
fn mark_replies(check_in: &mut DynamicMessage) {
    let Some(field) = check_in.descriptor().get_field_by_name(PARTNER_REPLIES) else { return };
    check_in.clear_field(&field);
    let open = candor_proto::journal::v1::CheckInState::Open as i32;
    let state = check_in.get_field_by_name("state").and_then(|state| state.as_enum_number());
    if let (true, Some(reply)) = (state == Some(open), field.kind().as_message()) {
        let mut mark = DynamicMessage::new(reply.clone());
        mark.set_field_by_name("text", Value::String(LEFT_OUT.to_owned()));
        check_in.set_field(&field, Value::List(vec![Value::Message(mark)]));
    }
}

#[cfg(test)]
mod tests {
    use super::super::sections::{SECTIONS, Way};
    use super::*;
    use candor_proto::DESCRIPTOR_SET;
    use candor_proto::accounts::v1::{
        Couple, CoupleInCare, Evidence, EvidenceKind, GetCoupleResponse, ListCouplesInCareResponse,
        ListOwnReportsResponse, ListPeopleInCareResponse, OwnReport, PartnerInCare, PersonInCare,
    };
    use candor_proto::journal::v1::{CheckIn, CheckInReply, CheckInState, ListCheckInsResponse};
    use prost::Message;
    use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};
    use std::collections::BTreeSet;

    /// The fields with words or codes that the member gave, or that are about them alone. A new one in an answer that is
    /// taken along belongs here, or to [`OF_OTHERS`].
    const OWN: [&str; 28] = [
        "accounts.v1.Account.email",
        "accounts.v1.CircleInvitation.called",
        "accounts.v1.CounselorApplication.approach",
        "accounts.v1.CounselorApplication.name",
        "accounts.v1.CounselorApplication.reason",
        "accounts.v1.Couple.own_name",
        "accounts.v1.Device.device_label",
        "accounts.v1.Evidence.words",
        "accounts.v1.HostedPlace.own_name",
        "accounts.v1.Licence.look_up",
        "accounts.v1.Licence.number",
        "accounts.v1.Licence.title",
        "accounts.v1.OAuthClient.contact",
        "accounts.v1.OwnReport.note",
        "accounts.v1.Passkey.name",
        "accounts.v1.Session.device_label",
        "accounts.v1.Suspension.appeal",
        "accounts.v1.TrustedPerson.called",
        "accounts.v1.TrustedPerson.reason",
        "accounts.v1.WaitingAddress.email",
        "journal.v1.CheckInReply.text",
        "journal.v1.Entry.body",
        "journal.v1.Entry.title",
        "journal.v1.ItemAnswer.code",
        "journal.v1.Rendering.body",
        "journal.v1.Rendering.title",
        "journal.v1.Rendering.words",
        "journal.v1.ShareAnswer.body",
    ];

    fn pool() -> DescriptorPool {
        DescriptorPool::decode(DESCRIPTOR_SET).unwrap()
    }

    fn taken(name: &str, reply: &impl Message) -> String {
        let descriptor = pool().get_message_by_name(name).unwrap();
        let mut message = DynamicMessage::decode(descriptor, &reply.encode_to_vec()[..]).unwrap();
        leave_out(&mut message);
        serde_json::to_string(&message).unwrap()
    }

    #[test]
    fn names_that_others_chose_are_left_out_and_ones_own_stay() {
        let couple = Couple { partner_name: "Ben".into(), own_name: "Anna".into(), ..Couple::default() };
        let reply = GetCoupleResponse { couple: Some(couple), invitation: None };
        let text = taken("candor.accounts.v1.GetCoupleResponse", &reply);
        assert!(text.contains("Anna") && text.contains(LEFT_OUT) && !text.contains("Ben"), "{text}");
    }

    #[test]
    fn of_those_in_a_counselors_care_there_is_that_they_are_and_no_word_or_place() {
        let person = PersonInCare {
            care_id: "c1".into(),
            member_name: "Ben".into(),
            note: "Hardly talk.".into(),
            jurisdiction: "DE-BE".into(),
            ..PersonInCare::default()
        };
        let reply = ListPeopleInCareResponse { people: vec![person], ..Default::default() };
        let people = taken("candor.accounts.v1.ListPeopleInCareResponse", &reply);
        let partner =
            PartnerInCare { name: "Ben".into(), jurisdiction: "DE-BE".into(), ..PartnerInCare::default() };
        let couple =
            CoupleInCare { care_id: "c1".into(), partners: vec![partner], ..CoupleInCare::default() };
        let reply = ListCouplesInCareResponse { couples: vec![couple], ..Default::default() };
        for text in [people, taken("candor.accounts.v1.ListCouplesInCareResponse", &reply)] {
            assert!(text.contains("c1") && text.contains(LEFT_OUT), "{text}");
            assert!(["Ben", "Hardly", "DE-BE"].iter().all(|word| !text.contains(word)), "{text}");
        }
    }

    #[test]
    fn of_what_was_attached_to_a_report_ones_own_stays() {
        let one = |kind: EvidenceKind, words: &str| Evidence { kind: kind.into(), words: words.into() };
        let evidence = vec![one(EvidenceKind::Shown, "theirs"), one(EvidenceKind::Typed, "mine")];
        let report = OwnReport { evidence, ..OwnReport::default() };
        let reply = ListOwnReportsResponse { reports: vec![report], ..Default::default() };
        let text = taken("candor.accounts.v1.ListOwnReportsResponse", &reply);
        assert!(text.contains("mine") && text.contains(LEFT_OUT) && !text.contains("theirs"), "{text}");
    }

    #[test]
    fn a_partners_replies_are_left_out_and_only_where_they_are_known_is_it_said() {
        let reply = |text: &str| vec![CheckInReply { prompt_id: "one".into(), text: text.into() }];
        let check_in = |state: CheckInState| CheckIn {
            state: state.into(),
            own_replies: reply("mine"),
            partner_replies: reply("theirs"),
            ..CheckIn::default()
        };
        for state in [CheckInState::Gathering, CheckInState::Open, CheckInState::NotThisTime] {
            let reply = ListCheckInsResponse { check_ins: vec![check_in(state)], ..Default::default() };
            let text = taken("candor.journal.v1.ListCheckInsResponse", &reply);
            assert!(text.contains("mine") && !text.contains("theirs"), "{text}");
            assert_eq!(text.contains(LEFT_OUT), state == CheckInState::Open, "{text}");
        }
    }

    #[test]
    fn of_every_private_word_that_is_taken_along_it_is_said_whose_it_is() {
        let pool = pool();
        let mut found = BTreeSet::new();
        for section in &SECTIONS {
            let each = match section.way {
                Way::Each { rpc, .. } => Some(rpc),
                Way::Plain | Way::WithPartner { .. } => None,
            };
            for rpc in [Some(section.rpc), each].into_iter().flatten() {
                let (service, call) = rpc.rsplit_once('.').unwrap();
                let service = pool.get_service_by_name(service).unwrap();
                let rpc = service.methods().find(|rpc| rpc.name() == call).unwrap();
                words_of(&pool, &rpc.output(), &mut found);
            }
        }
        let known = OWN.iter().map(|name| format!("candor.{name}")).chain(OF_OTHERS.map(str::to_owned));
        let known: BTreeSet<String> = known.collect();
        let (new, gone) = (&found - &known, &known - &found);
        assert!(new.is_empty(), "\n{new:#?}\n→ whose words are these? Say so in OWN or OF_OTHERS\n");
        assert!(gone.is_empty(), "{gone:#?} are not taken along");
    }

    /// Collects the sealed texts within a message.
    fn words_of(pool: &DescriptorPool, message: &MessageDescriptor, found: &mut BTreeSet<String>) {
        let sensitivity = pool.get_extension_by_name("candor.options.v1.sensitivity").unwrap();
        let sealed = candor_proto::options::v1::Sensitivity::Sealed as i32;
        for field in message.fields() {
            match field.kind() {
                Kind::Message(inner) => words_of(pool, &inner, found),
                Kind::String | Kind::Bytes
                    if field.options().get_extension(&sensitivity).as_enum_number() == Some(sealed) =>
                {
                    found.insert(field.full_name().to_owned());
                }
                _ => {}
            }
        }
    }
}
