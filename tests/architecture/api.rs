//! What the descriptors promise: comments, marks, HTTP routes, and the list of public calls.

use crate::sources::refuse;
use candor_proto::DESCRIPTOR_SET;
use prost_reflect::{DescriptorPool, Kind, MethodDescriptor};

/// The RPCs anyone may call without a passport. Adding one is a decision: change this list on purpose.
const PUBLIC: [&str; 8] = [
    "candor.accounts.v1.IdentityService.Register",
    "candor.accounts.v1.IdentityService.ResendVerification",
    "candor.accounts.v1.IdentityService.VerifyEmail",
    "candor.accounts.v1.SessionService.ListSigningKeys",
    "candor.accounts.v1.SessionService.MintPassport",
    "candor.accounts.v1.SessionService.SignIn",
    "candor.content.v1.LibraryService.GetArticle",
    "candor.content.v1.LibraryService.ListArticles",
];

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTOR_SET).unwrap()
}

fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    pool.services()
        .filter(|s| s.full_name().starts_with("candor."))
        .flat_map(|s| s.methods().collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_public_calls_are_these_and_no_others() {
    let pool = pool();
    let access = pool.get_extension_by_name("candor.options.v1.access").unwrap();
    let mut public: Vec<_> = methods(&pool)
        .iter()
        .filter(|m| m.options().get_extension(&access).as_enum_number() == Some(1))
        .map(|m| m.full_name().to_owned())
        .collect();
    public.sort();
    assert_eq!(public, PUBLIC);
}

#[test]
fn every_call_has_a_route() {
    let pool = pool();
    let http = pool.get_extension_by_name("google.api.http").unwrap();
    let broken: Vec<_> = methods(&pool)
        .iter()
        .filter(|m| !m.options().has_extension(&http))
        .map(|m| m.full_name().to_owned())
        .collect();
    refuse(&broken, "give it a google.api.http annotation: REST is derived from the protos");
}

#[test]
fn every_field_says_how_private_it_is() {
    let pool = pool();
    let mark = pool.get_extension_by_name("candor.options.v1.sensitivity").unwrap();
    let mut broken = Vec::new();
    for message in pool.all_messages().filter(|m| m.full_name().starts_with("candor.")) {
        for field in message.fields() {
            if field.options().get_extension(&mark).as_enum_number().unwrap_or(0) == 0 {
                broken.push(field.full_name().to_owned());
            }
        }
    }
    refuse(&broken, "mark it with (candor.options.v1.sensitivity)");
}

#[test]
fn events_never_carry_private_text() {
    let pool = pool();
    let mark = pool.get_extension_by_name("candor.options.v1.sensitivity").unwrap();
    let mut broken = Vec::new();
    for file in pool.files().filter(|f| f.name().ends_with("/events.proto")) {
        for message in file.messages() {
            for field in message.fields() {
                if field.options().get_extension(&mark).as_enum_number() == Some(3) {
                    broken.push(field.full_name().to_owned());
                }
                let free_form = matches!(field.kind(), Kind::Bytes | Kind::Message(_));
                let allowed =
                    matches!(field.kind(), Kind::Message(m) if m.full_name() == "google.protobuf.Timestamp");
                if free_form && !allowed {
                    broken.push(format!("{} can hold anything", field.full_name()));
                }
            }
        }
    }
    refuse(&broken, "an event carries ids, kinds, numbers and versions; let the reader ask the owner");
}
