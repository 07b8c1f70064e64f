//! Markdown to HTML that is safe to show: raw HTML stays text, pictures become links, nothing is loaded. Text that
//! would be laborious to show so is shown as it was written.

use ammonia::{Builder, UrlRelative};
use comrak::arena_tree::NodeEdge;
use comrak::nodes::{Node, NodeValue};
use comrak::{Arena, Options, format_html, parse_document};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// Marks within marks. Sanitising takes time by the square of it.
const MAX_DEPTH: usize = 32;
/// Bytes of HTML made from one text.
const MAX_HTML: usize = 256 * 1024;
/// Bytes that writing the sanitised HTML may read: as if a text of 64 KiB held 4,000 of the characters that stop it.
const MAX_READ: usize = 256 * 1024 * 1024;

/// Where the text comes from, which decides where its links may lead.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A member's own words: links to other sites only, so that none can act on this one.
    Member,
    /// The library: links within the site as well.
    Library,
}

const TAGS: [&str; 21] = [
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
    "ul",
    "input",
];

/// The HTML of a text. Headings begin below the page's own. Blocks the thread for some milliseconds at worst.
pub(crate) fn to_html(text: &str, source: Source) -> String {
    if is_laborious(text) {
        return as_written(text);
    }
    let arena = Arena::new();
    let mut options = options();
    options.render.escape = true;
    options.render.hardbreaks = source == Source::Member;
    let root = parse_document(&arena, text, &options);
    if is_deep(root) {
        return as_written(text);
    }
    let levels = root.descendants().filter_map(|node| match node.data().value {
        NodeValue::Heading(heading) => Some(heading.level),
        _ => None,
    });
    let highest = levels.min().unwrap_or(1);
    for node in root.descendants() {
        tame(node, highest);
    }
    let mut html = Bounded(String::new());
    if format_html(root, &options, &mut html).is_err() {
        return as_written(text);
    }
    sanitiser(source).clean(&html.0).to_string()
}

/// Whether writing the sanitised HTML would take long: it reads on to the end of a piece of text for every `&` and for
/// every character of the block that the no-break space is in, which UTF-8 writes with this byte.
fn is_laborious(text: &str) -> bool {
    let stops = text.bytes().filter(|byte| matches!(byte, b'&' | 0xC2)).count();
    stops.saturating_mul(text.len()) > MAX_READ
}

/// Whether marks stand within marks more deeply than anyone writes by hand.
fn is_deep(root: Node<'_>) -> bool {
    let mut depth = 0_usize;
    root.traverse().any(|edge| {
        match edge {
            NodeEdge::Start(_) => depth += 1,
            NodeEdge::End(_) => depth -= 1,
        }
        depth > MAX_DEPTH
    })
}

/// The text with its marks, every letter of it, in the time it takes to copy it.
fn as_written(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + text.len() / 4);
    // A line end right after the tag is not shown, whether it is ours or the text's.
    html.push_str("<pre class=\"as-written\">\n");
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            letter => html.push(letter),
        }
    }
    html.push_str("</pre>");
    html
}

/// HTML that ends in an error once it is too long.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, more: &str) -> std::fmt::Result {
        if self.0.len() + more.len() > MAX_HTML {
            return Err(std::fmt::Error);
        }
        self.0.push_str(more);
        Ok(())
    }
}

/// The first words of a text without its marks, at most `most` characters.
pub(super) fn excerpt(text: &str, most: usize) -> String {
    // What stands further on is not shown here and need not be read.
    let text = &text[..text.floor_char_boundary(most * 16)];
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
    let attributes =
        [("a", vec!["href", "title"]), ("ol", vec!["start"]), ("input", vec!["type", "checked", "disabled"])];
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
    match source {
        Source::Member => builder
            .url_relative(UrlRelative::Deny)
            .attribute_filter(|_, name, value| (name != "href" || leads_away(value)).then(|| value.into())),
        Source::Library => builder.url_relative(UrlRelative::PassThrough),
    };
    builder
}

/// Whether a link leads to another site. Browsers read `https:/sessions` and `http:timeline` as places of this one.
fn leads_away(href: &str) -> bool {
    let Some((scheme, rest)) = href.split_once(':') else { return false };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            let host = rest.strip_prefix("//").and_then(|rest| rest.chars().next());
            host.is_some_and(|first| !matches!(first, '/' | '\\' | '?' | '#'))
        }
        "mailto" | "tel" => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
