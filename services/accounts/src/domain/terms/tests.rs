use super::{Terms, TermsKind, shipped::FILES};
use std::collections::BTreeSet;
use std::path::Path;

const HEAD: &str = "date: 2026-01-02\nmaterial: yes\n\n";

fn read(files: &[(&str, &str)]) -> Result<Terms, String> {
    Terms::read(files.iter().copied()).map_err(|fault| fault.to_string())
}

fn material(yes: &str) -> String {
    format!("date: 2026-01-02\nmaterial: {yes}\n\nwords")
}

#[test]
fn what_comes_along_is_whole_says_that_it_is_a_default_and_every_file_is_in_it() {
    let terms = Terms::shipped().unwrap();
    for kind in TermsKind::ALL {
        let current = terms.current(kind).unwrap();
        assert_eq!(current.locales().collect::<Vec<_>>(), ["de", "en", "es"]);
        for (locale, says) in
            [("en", "default text that comes with"), ("de", "Standardtext"), ("es", "texto que viene con")]
        {
            let (found, words) = current.words(locale);
            assert_eq!(found, locale);
            assert!(words.contains(says), "{locale}");
        }
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("terms");
    let mut files = BTreeSet::new();
    for kind in TermsKind::ALL {
        for version in std::fs::read_dir(folder.join(kind.as_str())).unwrap() {
            for file in std::fs::read_dir(version.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                files.insert(path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(files, FILES.iter().map(|(path, _)| (*path).to_owned()).collect());
}

#[test]
fn a_language_falls_back_along_its_tag_to_english_and_to_whatever_there_is() {
    let words = |text: &str| format!("{HEAD}{text}");
    let (en, de, at, pt) = (words("english"), words("german"), words("austrian"), words("portuguese"));
    let files = [
        ("terms-of-use/1/en.md", en.as_str()),
        ("terms-of-use/1/de.md", &de),
        ("terms-of-use/1/de-AT.md", &at),
        ("privacy-notice/1/pt-BR.md", &pt),
    ];
    let terms = read(&files).unwrap();
    let text = terms.current(TermsKind::Use).unwrap();
    for (tag, locale, says) in [
        ("de-AT", "de-AT", "austrian"),
        ("de-at-1996", "de-AT", "austrian"),
        ("de-CH", "de", "german"),
        ("DE", "de", "german"),
        ("fr-CA", "en", "english"),
        ("", "en", "english"),
    ] {
        assert_eq!(text.words(tag), (locale, says), "{tag}");
    }
    assert_eq!(terms.current(TermsKind::Privacy).unwrap().words("en"), ("pt-BR", "portuguese"));
}

#[test]
fn whoever_accepted_the_last_material_version_or_a_later_one_is_not_asked_again() {
    let (yes, no) = (material("yes"), material("no"));
    let files = [
        ("terms-of-use/10/en.md", no.as_str()),
        ("terms-of-use/2/en.md", &yes),
        ("terms-of-use/1/en.md", &no),
        ("privacy-notice/1/en.md", &no),
        ("privacy-notice/2/en.md", &no),
    ];
    let terms = read(&files).unwrap();
    assert_eq!(terms.current(TermsKind::Use).unwrap().version, 10);
    assert_eq!(terms.required().versions, [2, 1], "the first version is material whatever it says");
    for (kind, version, enough) in [
        (TermsKind::Use, 1, false),
        (TermsKind::Use, 2, true),
        (TermsKind::Use, 10, true),
        (TermsKind::Privacy, 1, true),
        (TermsKind::Privacy, 0, false),
    ] {
        assert_eq!(terms.is_enough(kind, version), enough, "{kind:?} {version}");
    }
    let numbers: Vec<_> = terms.all().iter().map(|text| text.version).collect();
    assert_eq!(numbers, [1, 2, 10, 1, 2]);
    assert!(terms.find(TermsKind::Use, 3).is_none() && terms.find(TermsKind::Use, -1).is_none());
    assert_eq!(terms.find(TermsKind::Use, 0), terms.current(TermsKind::Use));
}

#[test]
fn what_is_no_text_is_refused_by_its_path_and_never_by_its_words() {
    let yes = material("yes");
    let good = [("terms-of-use/1/en.md", yes.as_str()), ("privacy-notice/1/en.md", &yes)];
    read(&good).unwrap();
    for (path, content, says) in [
        ("imprint/1/en.md", yes.as_str(), "is no kind of text"),
        ("terms-of-use/one/en.md", &yes, "has no number as its version"),
        ("terms-of-use/0/en.md", &yes, "has no number as its version"),
        ("terms-of-use/1/english please.md", &yes, "is named after no language"),
        ("terms-of-use/1/.md", &yes, "is named after no language"),
        ("terms-of-use/1/en.txt", &yes, "is named after no language"),
        ("terms-of-use/1/more/en.md", &yes, "is named after no language"),
        ("terms-of-use/1/de.md", "date: 2026-01-02", "has no head"),
        ("terms-of-use/1/de.md", "material: yes\n\nwords", "has no date"),
        ("terms-of-use/1/de.md", "date: today\nmaterial: yes\n\nwords", "has no date"),
        ("terms-of-use/1/de.md", "date: 2026-01-02\n\nwords", "does not say whether it is material"),
        (
            "terms-of-use/1/de.md",
            "date: 2026-01-02\nmaterial: maybe\n\nwords",
            "does not say whether it is material",
        ),
        ("terms-of-use/1/de.md", HEAD, "says nothing"),
        ("terms-of-use/1/de.md", "date: 2026-01-03\nmaterial: yes\n\nwords", "has another head than"),
    ] {
        let fault = read(&[&good[..], &[(path, content)]].concat()).unwrap_err();
        assert!(fault.contains(says) && fault.contains(path) && !fault.contains("words"), "{path}: {fault}");
    }
    assert_eq!(read(&good[..1]).unwrap_err(), "holds no privacy-notice");
}
