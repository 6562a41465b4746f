//! Who said what, what is wrong with it, and who is told.

use landfall_core::error::Category;
use landfall_core::ids::ServiceKey;
use landfall_core::model::{DesiredLb, Member};
use landfall_core::net::IpFamily;
use landfall_core::outcome::Problem;
use landfall_core::refusal::{Refusal, categories, clip};

use super::parse::Parsed;

/// Who said something, in the order in which they give way: the class before members, the older member before the
/// younger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// Nobody: a default.
    Default,
    /// The class.
    Class,
    /// The member of this place among those sorted by age.
    Member(usize),
}

/// Who said something, where, and in which words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct By {
    /// Who.
    pub(super) origin: Origin,
    /// Annotation key or path.
    pub(super) field: String,
    /// The text as given.
    pub(super) text: String,
}

impl By {
    /// A parameter of the class, by its path below `LoadBalancerClass.spec.gcp`.
    pub(super) fn class(path: &str, text: impl Into<String>) -> Self {
        let field = format!("LoadBalancerClass.spec.gcp.{path}");
        Self { origin: Origin::Class, field, text: text.into() }
    }

    /// The default of an annotation or a field.
    pub(super) fn default(field: &str, text: impl Into<String>) -> Self {
        Self { origin: Origin::Default, field: field.to_owned(), text: text.into() }
    }
}

/// A value and who said it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said<T> {
    /// The value.
    pub(super) value: T,
    /// Who said it.
    pub(super) by: By,
}

impl<T> Said<T> {
    /// What the class says.
    pub(super) fn by_class(value: T, path: &str, text: impl Into<String>) -> Self {
        Self { value, by: By::class(path, text) }
    }
}

/// Categories of problems.
pub(crate) mod problem {
    use landfall_core::error::Category;

    /// An annotation that has no effect here.
    pub(crate) const IGNORED: Category = Category::new("IgnoredAnnotation");
    /// A key that nobody knows: a typing error, most likely.
    pub(crate) const UNKNOWN: Category = Category::new("UnknownAnnotation");
    /// Source ranges that let nobody in by one of the Service's families.
    pub(crate) const SOURCES: Category = Category::new("FamilyWithoutSourceRanges");
}

/// What is wrong, collected.
#[derive(Debug, Default)]
pub(super) struct Findings {
    services: Vec<ServiceKey>,
    /// Wishes that cannot be served.
    pub(super) refusals: Vec<Refusal>,
    /// What the operator should know although the rest works.
    pub(super) problems: Vec<Problem>,
}

impl Findings {
    /// None yet.
    pub(super) fn new(group: &Group<'_>) -> Self {
        let services = group.sources().map(|source| source.member.service.clone()).collect();
        Self { services, ..Self::default() }
    }

    /// Refuses what was said: that of a member refuses the member, that of the class refuses all.
    pub(super) fn refuse(&mut self, by: &By, category: Category, message: impl Into<String>) {
        let member = match by.origin {
            Origin::Member(rank) => self.services.get(rank).cloned(),
            Origin::Default | Origin::Class => None,
        };
        let refusal = Refusal {
            member,
            category,
            field: by.field.clone(),
            value: by.text.clone(),
            message: message.into(),
        };
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }

    /// Refuses a value that cannot be read or is out of bounds.
    pub(super) fn invalid(&mut self, by: &By, message: impl Into<String>) {
        self.refuse(by, categories::INVALID_VALUE, message);
    }

    /// Refuses what cannot be had here.
    pub(super) fn unsupported(&mut self, by: &By, message: impl Into<String>) {
        self.refuse(by, categories::UNSUPPORTED, message);
    }

    /// Refuses one of two that exclude each other: that of the younger member, the first if one said both.
    pub(super) fn contradiction(&mut self, one: &By, other: &By, why: &str) {
        let (loser, winner) = if other.origin > one.origin { (other, one) } else { (one, other) };
        let whose = match winner.origin {
            Origin::Default => " (the default)".to_owned(),
            Origin::Class => " (of the class)".to_owned(),
            Origin::Member(rank) => match self.services.get(rank) {
                Some(service) if winner.origin != loser.origin => format!(" of {service}, which is older"),
                _ => String::new(),
            },
        };
        let said = clip(&winner.text, 64);
        let message = format!("contradicts {} {said:?}{whose}: {why}", winner.field);
        self.refuse(loser, categories::CONFLICTING_VALUES, message);
    }

    /// Tells something about a member.
    pub(super) fn tell(&mut self, source: Source<'_>, category: Category, message: impl Into<String>) {
        let member = Some(source.member.service.clone());
        self.problems.push(Problem { member, port: None, category, message: message.into() });
    }

    /// Tells that something has no effect, and why.
    pub(super) fn ignored(&mut self, source: Source<'_>, what: &str, why: &str) {
        self.tell(source, problem::IGNORED, format!("{what} has no effect: {why}"));
    }
}

/// One member and its annotations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// The member.
    pub(super) member: &'a Member,
    /// Its place among the members sorted by age.
    pub(super) origin: Origin,
}

impl<'a> Source<'a> {
    /// The text of an annotation.
    pub(super) fn text(self, key: &str) -> Option<&'a str> {
        self.member.annotations.get(key).map(String::as_str)
    }

    /// This member, saying this there.
    pub(super) fn by(self, field: impl Into<String>, text: impl Into<String>) -> By {
        By { origin: self.origin, field: field.into(), text: text.into() }
    }

    /// Reads an annotation; one that cannot be read is refused and counts as absent.
    pub(super) fn read<T>(
        self,
        key: &str,
        parse: impl FnOnce(&str) -> Parsed<T>,
        findings: &mut Findings,
    ) -> Option<Said<T>> {
        let text = self.text(key)?;
        let by = self.by(key, text);
        match parse(text) {
            Ok(value) => Some(Said { value, by }),
            Err(message) => {
                findings.invalid(&by, message);
                None
            }
        }
    }
}

/// The members of a load balancer, oldest first.
#[derive(Debug)]
pub(super) struct Group<'a> {
    members: Vec<&'a Member>,
}

impl<'a> Group<'a> {
    /// The members, sorted by age.
    pub(super) fn new(desired: &'a DesiredLb) -> Self {
        let mut members: Vec<&Member> = desired.members.iter().collect();
        members.sort_by_key(|member| (member.created, &member.service));
        Self { members }
    }

    /// Each member.
    pub(super) fn sources(&self) -> impl Iterator<Item = Source<'a>> {
        let ranked = self.members.iter().enumerate();
        ranked.map(|(rank, member)| Source { member, origin: Origin::Member(rank) })
    }

    /// The members that have an address family.
    pub(super) fn of_family(&self, family: IpFamily) -> impl Iterator<Item = Source<'a>> {
        self.sources().filter(move |source| source.member.families.contains(&family))
    }

    /// What the oldest member that says something says; younger ones that say something else are refused.
    pub(super) fn decide<T: PartialEq>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Parsed<T>,
        findings: &mut Findings,
    ) -> Option<Said<T>> {
        self.decide_by(findings, |source, findings| source.read(key, &parse, findings))
    }

    /// As [`Group::decide`], with more than one annotation to read.
    pub(super) fn decide_by<T: PartialEq>(
        &self,
        findings: &mut Findings,
        read: impl Fn(Source<'a>, &mut Findings) -> Option<Said<T>>,
    ) -> Option<Said<T>> {
        let mut decided = None;
        for source in self.sources() {
            if let Some(said) = read(source, findings) {
                settle(&mut decided, said, findings);
            }
        }
        decided
    }
}

/// Takes what is said first; another value after it is refused.
pub(super) fn settle<T: PartialEq>(slot: &mut Option<Said<T>>, said: Said<T>, findings: &mut Findings) {
    match slot {
        None => *slot = Some(said),
        Some(older) if older.value == said.value => {}
        Some(older) => {
            let why = "Services that share a load balancer must agree on it; give the same value or none";
            findings.contradiction(&said.by, &older.by, why);
        }
    }
}
