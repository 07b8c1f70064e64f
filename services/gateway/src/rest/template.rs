//! Path templates of `google.api.http`: literals, `{field}` segments and a `:verb` at the end.

/// A parsed template such as `/v1/inboxItems/{inbox_item_id}:markRead`.
pub(crate) struct Template {
    text: String,
    segments: Vec<Segment>,
    verb: Option<String>,
}

enum Segment {
    Literal(String),
    /// The path of a request field, in proto names.
    Field(String),
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// A sentence when the template uses syntax that is not supported, so that no route is silently wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let unsupported = || format!("the path template {text} uses syntax the gateway does not know");
        let path = text.strip_prefix('/').ok_or_else(unsupported)?;
        let (path, verb) = split_verb(path);
        let mut segments = Vec::new();
        for part in path.split('/') {
            let inner = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let name = inner.unwrap_or(part);
            if name.is_empty() || name.contains(['{', '}', '=', '*', ':', '%']) {
                return Err(unsupported());
            }
            segments.push(match inner {
                Some(field) => Segment::Field(field.to_owned()),
                None => Segment::Literal(part.to_owned()),
            });
        }
        Ok(Self { text: text.to_owned(), segments, verb: verb.map(str::to_owned) })
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it ends in a verb.
    pub(crate) fn has_verb(&self) -> bool {
        self.verb.is_some()
    }

    /// The fields it takes from the path.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Field(name) => Some(name.as_str()),
            Segment::Literal(_) => None,
        })
    }

    /// The same with every field called alike: two templates with one shape would be ambiguous.
    pub(crate) fn shape(&self) -> String {
        let parts = self.segments.iter().map(|segment| match segment {
            Segment::Literal(text) => text.as_str(),
            Segment::Field(_) => "{}",
        });
        format!("{}:{}", parts.collect::<Vec<_>>().join("/"), self.verb.as_deref().unwrap_or_default())
    }

    /// The raw (still percent-encoded) values of the fields when the path fits.
    pub(crate) fn matches<'t, 'p>(&'t self, path: &'p str) -> Option<Vec<(&'t str, &'p str)>> {
        let mut path = path.strip_prefix('/')?;
        if let Some(verb) = &self.verb {
            path = path.strip_suffix(verb.as_str())?.strip_suffix(':')?;
        }
        let mut values = Vec::new();
        let mut parts = path.split('/');
        for segment in &self.segments {
            let part = parts.next()?;
            match segment {
                Segment::Literal(text) if text == part => {}
                Segment::Field(name) if !part.is_empty() => values.push((name.as_str(), part)),
                _ => return None,
            }
        }
        parts.next().is_none().then_some(values)
    }
}

/// Splits `a/{b}:verb` into `a/{b}` and `verb`.
fn split_verb(path: &str) -> (&str, Option<&str>) {
    match path.rsplit_once(':') {
        Some((path, verb)) if !verb.contains(['/', '}']) => (path, Some(verb)),
        _ => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(template: &str, path: &str) -> Option<Vec<(String, String)>> {
        let template = Template::parse(template).unwrap();
        let found = template.matches(path)?;
        Some(found.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn fields_and_verbs_are_found() {
        assert_eq!(values("/v1/entries", "/v1/entries"), Some(vec![]));
        assert_eq!(
            values("/v1/inboxItems/{id}:markRead", "/v1/inboxItems/a%20b:markRead"),
            Some(vec![("id".into(), "a%20b".into())])
        );
        assert_eq!(values("/v1/accounts:verifyEmail", "/v1/accounts:verifyEmail"), Some(vec![]));
        assert_eq!(values("/v1/a/{b.c}/d", "/v1/a/x:y/d"), Some(vec![("b.c".into(), "x:y".into())]));
    }

    #[test]
    fn what_does_not_fit_is_not_found() {
        for path in ["", "/", "/v1", "/v1/entries/", "/v1/entries/a/b", "/v1//a", "/v2/entries/a"] {
            assert_eq!(values("/v1/entries/{id}", path), None, "{path}");
        }
        assert_eq!(values("/v1/inboxItems/{id}:markRead", "/v1/inboxItems/:markRead"), None);
        assert_eq!(values("/v1/inboxItems/{id}:markRead", "/v1/inboxItems/a:markread"), None);
    }

    #[test]
    fn unknown_syntax_is_refused() {
        for text in ["v1", "/v1/{name=shelves/*}", "/v1/*", "/v1/{a", "/v1//b", "/v1/{}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
