//! Scopes of software's tokens, in the syntax of SMART App Launch 2: `system/Observation.rs`. A scope is the most that a
//! token may be used for; what is read with it still takes the consent of whoever it belongs to.

use super::resources::resource;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Scopes that somebody may ask for, or hold, at most.
pub const MOST_SCOPES: usize = 50;

/// On whose account software reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Context {
    /// Its own: `system/`.
    System,
    /// That of the person it belongs to: `user/`.
    User,
}

/// What may be done with a resource: a set of create, read, update, delete and search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interactions(u8);

impl Interactions {
    /// In the order in which they are written.
    const LETTERS: [char; 5] = ['c', 'r', 'u', 'd', 's'];
    /// Read one by its id.
    pub const READ: Self = Self(1 << 1);
    /// Search.
    pub const SEARCH: Self = Self(1 << 4);

    /// What changes nothing.
    pub const READING: Self = Self(Self::READ.0 | Self::SEARCH.0);

    /// Whether all of the others are among these.
    pub fn contain(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }

    fn shared_with(self, others: Self) -> Option<Self> {
        Some(Self(self.0 & others.0)).filter(|both| both.0 != 0)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut rest = Self::LETTERS.iter().enumerate();
        let mut set = 0;
        for letter in text.chars() {
            // In their order and each once: what was seen is not looked at again.
            let (at, _) = rest.find(|(_, known)| **known == letter)?;
            set |= 1 << at;
        }
        (set != 0).then_some(Self(set))
    }
}

impl fmt::Display for Interactions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = Self::LETTERS.iter().enumerate().filter(|(at, _)| self.0 & (1 << at) != 0);
        held.map(|(_, letter)| *letter).collect::<String>().fmt(formatter)
    }
}

/// One scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// On whose account.
    pub context: Context,
    /// The resource type; none for all of them.
    resource: Option<&'static str>,
    /// What may be done.
    pub interactions: Interactions,
}

/// The text is no scope that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownScope;

impl FromStr for Scope {
    type Err = UnknownScope;

    /// Reads a scope. One with a search that narrows it (`?category=…`) is not known: without its end it would be wider
    /// than what was asked for.
    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let parts = text.split_once('/').and_then(|(context, rest)| Some((context, rest.split_once('.')?)));
        let (context, (name, interactions)) = parts.ok_or(UnknownScope)?;
        let context = match context {
            "system" => Context::System,
            "user" => Context::User,
            _ => return Err(UnknownScope),
        };
        let resource = match name {
            "*" => None,
            name => Some(resource(name).ok_or(UnknownScope)?),
        };
        let interactions = Interactions::parse(interactions).ok_or(UnknownScope)?;
        Ok(Self { context, resource, interactions })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let context = match self.context {
            Context::System => "system",
            Context::User => "user",
        };
        write!(formatter, "{context}/{}.{}", self.resource.unwrap_or("*"), self.interactions)
    }
}

impl Scope {
    /// What both allow, if anything.
    fn shared_with(&self, other: &Self) -> Option<Self> {
        let resource = match (self.resource, other.resource) {
            (None, any) | (any, None) => any,
            (Some(one), Some(two)) => Some((one == two).then_some(one)?),
        };
        let interactions = self.interactions.shared_with(other.interactions)?;
        (self.context == other.context).then_some(Self { context: self.context, resource, interactions })
    }

    /// Whether this allows all that the other does.
    fn contains(&self, other: &Self) -> bool {
        self.shared_with(other) == Some(*other)
    }
}

/// A set of scopes, in one form: in order, none within another, one for each context and resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scopes(Arc<[Scope]>);

impl Default for Scopes {
    fn default() -> Self {
        Self::of(&[])
    }
}

/// A list of scopes that breaks the syntax of OAuth 2.0 (RFC 6749, section 3.3), or is longer than what is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl Scopes {
    /// The set of the given scopes.
    pub fn of(scopes: &[Scope]) -> Self {
        let mut all = scopes.to_vec();
        all.sort_unstable();
        all.dedup_by(|next, kept| {
            let same = (next.context, next.resource) == (kept.context, kept.resource);
            kept.interactions.0 |= if same { next.interactions.0 } else { 0 };
            same
        });
        let held = all.clone();
        all.retain(|scope| !held.iter().any(|other| other != scope && other.contains(scope)));
        Self(all.into())
    }

    /// Those of a list that are known here; the others are left out, as whoever asks is told by what they get.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn asked(list: &str) -> Result<Self, Malformed> {
        let is_token =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
        let texts: Vec<_> = list.split(' ').filter(|text| !text.is_empty()).collect();
        if texts.len() > MOST_SCOPES || !texts.iter().all(|text| is_token(text)) {
            return Err(Malformed);
        }
        let known: Vec<_> = texts.iter().filter_map(|text| text.parse().ok()).collect();
        Ok(Self::of(&known))
    }

    /// All of a list, each of them known; `None` where one is not.
    pub fn exactly(list: &str) -> Option<Self> {
        let all: Result<Vec<Scope>, _> = list.split(' ').map(str::parse).collect();
        all.ok().filter(|all| all.len() <= MOST_SCOPES).map(|all| Self::of(&all))
    }

    /// What of these the others allow, narrowed where they allow less.
    #[must_use]
    pub fn within(&self, allowed: &Self) -> Self {
        let both =
            self.0.iter().flat_map(|asked| allowed.0.iter().filter_map(|held| asked.shared_with(held)));
        Self::of(&both.collect::<Vec<_>>())
    }

    /// Whether something may be done with a resource type.
    pub fn allow(&self, context: Context, resource: &str, interactions: Interactions) -> bool {
        let fits =
            |scope: &Scope| scope.context == context && scope.resource.is_none_or(|name| name == resource);
        let held = self.0.iter().filter(|scope| fits(scope)).fold(0, |all, scope| all | scope.interactions.0);
        Interactions(held).contain(interactions)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").fmt(formatter)
    }
}

#[cfg(test)]
#[path = "scope_tests.rs"]
mod tests;
