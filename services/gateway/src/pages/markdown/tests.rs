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
fn links_of_members_lead_to_other_sites_only() {
    for place in [
        "https:/sessions",
        "http:timeline",
        "HTTPS:sign-out",
        "https:\\\\sessions",
        "https:///sessions",
        "https:?x",
        "/sessions",
        "timeline",
    ] {
        let html = member(&format!("[a]({place})"));
        assert!(!tags(&html).contains("href"), "{place}: {html}");
    }
    for place in ["https://example.org/a", "HTTP://example.org", "mailto:a@example.org", "tel:112"] {
        let html = member(&format!("[a]({place})"));
        assert!(tags(&html).contains(&format!("href=\"{place}\"")), "{place}: {html}");
    }
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

const LONG: usize = 64 * 1024;

fn long(piece: &str) -> String {
    piece.repeat(LONG / piece.len())
}

fn within(open: &str, close: &str) -> String {
    let times = LONG / (open.len() + close.len()) - 1;
    format!("{}x{}", open.repeat(times), close.repeat(times))
}

#[test]
fn what_is_too_deep_or_too_much_is_shown_as_written() {
    let lists: String = (0..200).map(|depth| format!("{}- x\n", " ".repeat(2 * depth))).collect();
    for text in [
        long(">"),
        long("> "),
        format!("{}x\n", long("- ")),
        format!("{}x\n{}", "- ".repeat(LONG / 4), "\n".repeat(LONG / 2)),
        lists,
        within("*a ", " a*"),
        within("**a _a ", " a_ a**"),
        within("![", "](b)"),
        within("~~a *a ", " a* a~~"),
        long("\""),
        long("&#1"),
        long("&a;"),
        long("\u{a0}"),
        long("https://a&b;"),
    ] {
        let html = member(&text);
        let start: String = text.chars().take(20).collect();
        assert!(
            html.starts_with("<pre class=\"as-written\">\n"),
            "{start}: {}",
            &html[..200.min(html.len())]
        );
        let (_, inside) = html.split_once('\n').unwrap();
        let inside = inside.strip_suffix("</pre>").unwrap();
        let read = inside.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        assert!(read.replace("&amp;", "&") == text, "{start}: every letter is there");
    }
    assert_eq!(as_written("<b>&\"\n"), "<pre class=\"as-written\">\n&lt;b&gt;&amp;&quot;\n</pre>");
}

#[test]
fn a_list_in_a_quote_in_a_list_is_not_deep() {
    let html = member("> > > - a\n> > >   - b\n> > >     - **c *d***");
    assert!(html.contains("<em>d</em>") && !html.contains("as-written"), "{html}");
}

#[test]
fn a_long_address_used_often_is_not_written_often() {
    let text = format!("[a]: https://example.org/{}\n\n{}", "x".repeat(LONG / 2), "[a] ".repeat(LONG / 8));
    assert!(member(&text).len() <= MAX_HTML);
}

#[test]
fn tables_are_text() {
    let rows = format!("|{}\n|{}\n{}", "a|".repeat(500), "-|".repeat(500), "|\n".repeat(1000));
    let html = member(&rows);
    assert!(!html.contains("<t") && html.contains("a|a|"), "{}", &html[..200]);
}

/// Each of these makes some Markdown parser take time by the square of the length or worse. With such a one this
/// test would take minutes.
#[test]
fn a_parser_has_no_hard_time() {
    let ticks: String = (1..360).map(|times| format!("e{}", "`".repeat(times))).collect();
    let mut texts =
        vec![ticks, within("[", "](b)"), within("[", "]"), within("(", ")"), within("<b>", "</b>")];
    let pieces = [
        "[",
        "]",
        "[a](",
        "[a](<b",
        "[a",
        "![",
        "[]",
        "[a]: b\n",
        "[^",
        "*",
        "**a ",
        "a**b*c",
        "*a_ ",
        "_",
        "*a**a ",
        "~",
        "~a~~",
        "`",
        "`a``",
        "<",
        "<a ",
        "<!--",
        "<?",
        "<!A ",
        "<![CDATA[",
        "</",
        "<a@",
        "<a:",
        "&",
        "&#1",
        "&a;",
        "\\",
        "!",
        "-",
        "- x\n",
        "1. ",
        "#",
        "# \n",
        "a\n===\n",
        "```\n",
        "~~~",
        "    a\n",
        "\t",
        " ",
        "\n",
        "\r",
        "a",
        "- [x] ",
        "- [ ] a\n",
        "www.",
        "www.a",
        "http://",
        "https://a(",
        "https://a)",
        "https://a&b;",
        "a@",
        "a@a.",
        "a.a@",
        "mailto:",
        "xmpp:a@b/",
        "<div>\n",
        "</div>\n\n",
        "<pre>",
        "|",
        "|-",
        "|\n|-\n",
        "'",
        "a'\"",
        ":",
        "$",
        "{",
        "\u{0}",
        "\u{feff}",
        "ü",
        "> a\n",
        ">\n",
        "> - ",
        "* a\n\n",
        "a  \n",
    ];
    texts.extend(pieces.into_iter().map(long));
    for text in texts {
        let arena = Arena::new();
        let root = parse_document(&arena, &text, &options());
        assert!(root.descendants().count() <= 2 * text.len());
        let part = &text[..text.floor_char_boundary(LONG / 16)];
        assert!(member(part).len() <= 8 * part.len() + 64);
    }
}

#[test]
fn a_picture_becomes_a_link() {
    let html = member("![a tree](https://example.org/tree.jpg)");
    assert!(html.contains("<a href=\"https://example.org/tree.jpg\"") && html.contains("a tree"), "{html}");
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
