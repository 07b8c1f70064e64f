//! The parts of an entry that can be chosen for an excerpt: its paragraphs, counted in Unicode characters.

use candor_proto::journal::v1::Span;

/// A paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// What a form's check box says of it.
    pub(super) mark: Mark,
    /// As it was written.
    pub(super) text: String,
}

/// Which paragraph, and where it stands. Its text form is `INDEX:START-END`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    index: usize,
    start: i32,
    end: i32,
}

impl Mark {
    /// From its text form.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (index, span) = text.split_once(':')?;
        let (start, end) = span.split_once('-')?;
        Some(Self { index: index.parse().ok()?, start: start.parse().ok()?, end: end.parse().ok()? })
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{}-{}", self.index, self.start, self.end)
    }
}

/// The paragraphs of a text: lines up to the next empty one.
pub(super) fn paragraphs(text: &str) -> Vec<Part> {
    let (mut found, mut open) = (Vec::new(), None::<(usize, usize, String)>);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim_end_matches(['\n', '\r']);
        let end = at + words.chars().count();
        match (&mut open, words.trim().is_empty()) {
            (Some((_, last, text)), false) => {
                text.push('\n');
                text.push_str(words);
                *last = end;
            }
            (None, false) => open = Some((at, end, words.to_owned())),
            (_, true) => found.extend(open.take()),
        }
        at += line.chars().count();
    }
    found.extend(open);
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let parts = found.into_iter().enumerate().map(|(index, (start, end, text))| Part {
        mark: Mark { index, start: number(start), end: number(end) },
        text,
    });
    parts.collect()
}

/// The spans of chosen paragraphs, in order. Paragraphs that follow each other are one span, with nothing left out
/// between them.
pub(super) fn spans(chosen: &[Mark]) -> Vec<Span> {
    let mut chosen = chosen.to_vec();
    chosen.sort_unstable();
    chosen.dedup();
    let mut spans: Vec<(usize, Span)> = Vec::new();
    for mark in chosen {
        match spans.last_mut() {
            Some((index, span)) if *index + 1 == mark.index => (*index, span.end) = (mark.index, mark.end),
            _ => spans.push((mark.index, Span { start: mark.start, end: mark.end })),
        }
    }
    spans.into_iter().map(|(_, span)| span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, span: &Span) -> String {
        let (start, end) = (usize::try_from(span.start).unwrap(), usize::try_from(span.end).unwrap());
        text.chars().skip(start).take(end - start).collect()
    }

    #[test]
    fn paragraphs_are_found_by_characters_not_by_bytes() {
        let text = "\n\nÄpfel 🌳\r\nzweite Zeile\r\n  \r\n\nlast";
        let parts = paragraphs(text);
        let texts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(texts, ["Äpfel 🌳\nzweite Zeile", "last"]);
        let each: Vec<_> = parts.iter().map(|part| cut(text, &spans(&[part.mark])[0])).collect();
        assert_eq!(each, ["Äpfel 🌳\r\nzweite Zeile", "last"]);
        assert_eq!(paragraphs(" \n\n"), []);
    }

    #[test]
    fn neighbours_become_one_span_whatever_the_order() {
        let text = "one\n\ntwo\n\nthree\n\nfour";
        let marks: Vec<_> = paragraphs(text).iter().map(|part| part.mark).collect();
        let spans = spans(&[marks[3], marks[1], marks[0], marks[1]]);
        let texts: Vec<_> = spans.iter().map(|span| cut(text, span)).collect();
        assert_eq!(texts, ["one\n\ntwo", "four"]);
    }

    #[test]
    fn a_mark_comes_back_from_its_form() {
        let mark = paragraphs("a\n\nb")[1].mark;
        assert_eq!(Mark::parse(&mark.to_string()), Some(mark));
        for wrong in ["", "1", "1:2", "1:2-x", "-1:2-3", "a:1-2"] {
            assert_eq!(Mark::parse(wrong), None, "{wrong}");
        }
    }
}
