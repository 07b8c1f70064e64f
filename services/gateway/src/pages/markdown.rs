//! Markdown to HTML that is safe to show: raw HTML stays text, pictures become links, nothing is loaded.

use ammonia::{Builder, UrlRelative};
use comrak::nodes::{Node, NodeValue};
use comrak::{Arena, Options, format_html, parse_document};
use std::collections::{HashMap, HashSet};

/// Where the text comes from, which decides where its links may lead.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A member's own words: links to other sites only, so that none can act on this one.
    Member,
    /// The library: links within the site as well.
    Library,
}

const TAGS: [&str; 27] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "input",
];

/// The HTML of a text. Headings begin below the page's own.
pub(crate) fn to_html(text: &str, source: Source) -> String {
    let arena = Arena::new();
    let mut options = options();
    options.render.escape = true;
    options.render.hardbreaks = source == Source::Member;
    let root = parse_document(&arena, text, &options);
    let levels = root.descendants().filter_map(|node| match node.data().value {
        NodeValue::Heading(heading) => Some(heading.level),
        _ => None,
    });
    let highest = levels.min().unwrap_or(1);
    for node in root.descendants() {
        tame(node, highest);
    }
    let mut html = String::new();
    if format_html(root, &options, &mut html).is_err() {
        return String::new();
    }
    sanitiser(source).clean(&html).to_string()
}

/// The first words of a text without its marks, at most `most` characters.
pub(super) fn excerpt(text: &str, most: usize) -> String {
    let arena = Arena::new();
    let root = parse_document(&arena, text, &options());
    let mut plain = String::new();
    for node in root.descendants() {
        match &node.data().value {
            NodeValue::Text(words) => plain.push_str(words),
            NodeValue::Code(code) => plain.push_str(&code.literal),
            NodeValue::HtmlInline(raw) => plain.push_str(raw),
            NodeValue::HtmlBlock(raw) => plain.extend([" ", &raw.literal]),
            NodeValue::CodeBlock(code) => plain.extend([" ", &code.literal]),
            value if value.block() || matches!(value, NodeValue::SoftBreak | NodeValue::LineBreak) => {
                plain.push(' ')
            }
            _ => {}
        }
        if plain.len() > most * 8 {
            break;
        }
    }
    shorten(&plain.split_whitespace().collect::<Vec<_>>().join(" "), most)
}

/// Cuts at a word.
fn shorten(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else { return text.to_owned() };
    let cut = text[..end].rsplit_once(' ').map_or(&text[..end], |(cut, _)| cut);
    format!("{} …", cut.trim_end_matches([',', '.', ';', ':']))
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.strikethrough = true;
    options.extension.table = true;
    options.extension.tasklist = true;
    options.extension.autolink = true;
    options
}

fn tame(node: Node<'_>, highest: u8) {
    let mut data = node.data_mut();
    match &mut data.value {
        // The page's own heading is the first; a text's begin right below it.
        NodeValue::Heading(heading) => heading.level = (heading.level - highest + 2).min(6),
        NodeValue::Image(_) => {
            if let NodeValue::Image(link) = std::mem::replace(&mut data.value, NodeValue::SoftBreak) {
                data.value = NodeValue::Link(link);
            }
        }
        _ => {}
    }
}

fn sanitiser(source: Source) -> Builder<'static> {
    let attributes = [
        ("a", vec!["href", "title"]),
        ("ol", vec!["start"]),
        ("td", vec!["align"]),
        ("th", vec!["align"]),
        ("input", vec!["type", "checked", "disabled"]),
    ];
    let attributes: HashMap<_, HashSet<_>> =
        attributes.into_iter().map(|(tag, names)| (tag, names.into_iter().collect())).collect();
    let mut builder = Builder::empty();
    builder
        .tags(TAGS.into_iter().collect())
        .tag_attributes(attributes)
        .tag_attribute_values(HashMap::from([(
            "input",
            HashMap::from([("type", HashSet::from(["checkbox"]))]),
        )]))
        .set_tag_attribute_values(HashMap::from([("input", HashMap::from([("disabled", "")]))]))
        .clean_content_tags(["script", "style"].into_iter().collect())
        .url_schemes(["https", "http", "mailto", "tel"].into_iter().collect())
        .link_rel(Some("noopener noreferrer nofollow"));
    builder.url_relative(match source {
        Source::Member => UrlRelative::Deny,
        Source::Library => UrlRelative::PassThrough,
    });
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(text: &str) -> String {
        to_html(text, Source::Member)
    }

    #[test]
    fn ordinary_text_looks_as_written() {
        assert_eq!(
            member("# Today\n\n*Two* **words**").trim(),
            "<h2>Today</h2>\n<p><em>Two</em> <strong>words</strong></p>"
        );
        assert_eq!(member("## A\n\n### B").trim(), "<h2>A</h2>\n<h3>B</h3>");
        assert!(member("one\ntwo").contains("<br>"));
        assert!(member("- [x] done").contains("checkbox"));
        let link = member("[a](https://example.org/?a=b&c=d)");
        assert!(link.contains(r#"href="https://example.org/?a=b&amp;c=d""#), "{link}");
        assert!(link.contains("noreferrer"));
    }

    #[test]
    fn hostile_text_is_only_text() {
        for text in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[a](javascript:alert(1))",
            "[a](JaVaScRiPt:alert(1))",
            "[a](data:text/html;base64,PHNjcmlwdD4=)",
            "[a](vbscript:x)",
            "<javascript:alert(1)>",
            "![a](https://tracker.example/pixel.gif)",
            "![a](javascript:alert(1))",
            "<iframe src=https://evil.example></iframe>",
            "<a href=\"https://x\" onclick=\"alert(1)\">x</a>",
            "<style>*{background:url(https://evil.example)}</style>",
            "<form action=/sign-out method=post><button>x</button></form>",
            "<svg onload=alert(1)>",
            "[a](https://x \"><script>alert(1)</script>\")",
            "```<script>\nalert(1)\n```",
            "<input type=text name=csrf>",
            "[a][b]\n\n[b]: javascript:alert(1)",
            "<a href=\"&#106;avascript:alert(1)\">x</a>",
            "[out](/sign-out)",
            "[out](//evil.example)",
        ] {
            let html = member(text);
            // What stays of a tag is escaped; what stays of a link leads to another site on a click, or nowhere.
            for forbidden in [
                "<script",
                "<img",
                "<iframe",
                "<style",
                "<form",
                "<svg",
                "<object",
                "src=",
                "href=\"/",
                "<input type=\"text",
            ] {
                assert!(!tags(&html).contains(forbidden), "{text}: {html}");
            }
            for scheme in ["javascript:", "data:", "vbscript:"] {
                assert!(!html.to_lowercase().contains(&format!("href=\"{scheme}")), "{text}: {html}");
            }
            assert!(!tags(&html).contains("onerror") && !tags(&html).contains("onclick"), "{text}: {html}");
        }
    }

    /// Only what stands between `<` and `>`.
    fn tags(html: &str) -> String {
        html.split('<').skip(1).map(|rest| format!("<{}", rest.split('>').next().unwrap())).collect()
    }

    #[test]
    fn a_picture_becomes_a_link() {
        let html = member("![a tree](https://example.org/tree.jpg)");
        assert!(
            html.contains("<a href=\"https://example.org/tree.jpg\"") && html.contains("a tree"),
            "{html}"
        );
    }

    #[test]
    fn the_library_may_link_within_the_site() {
        assert!(to_html("[x](/library/y)", Source::Library).contains("href=\"/library/y\""));
    }

    #[test]
    fn an_excerpt_is_plain_and_ends_at_a_word() {
        assert_eq!(excerpt("# Today\n\nI *felt* `calm`.", 100), "Today I felt calm.");
        assert_eq!(excerpt("one two three", 9), "one two …");
        assert_eq!(excerpt("", 9), "");
    }
}
