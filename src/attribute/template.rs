//! A route's path template, checked and put into the router's words.

use super::options::{RouteClass, RouteSpec, SubjectFrom};
use super::problem::Fault;

/// A template that the router can take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    /// The template in the router's syntax.
    pub(super) pattern: String,
    /// The path in front of a tail, which matches too: a tail may be empty.
    pub(super) base: Option<String>,
    /// The subject is the whole tail.
    pub(super) subject_is_tail: bool,
    subject: bool,
    record: bool,
}

impl Template {
    /// Reads the template of a route; every fault at once.
    pub(super) fn of(route: &RouteSpec) -> Result<Self, Vec<Fault>> {
        let mut template = Self::default();
        let mut faults = Vec::new();
        let Some(path) = route.path.strip_prefix('/') else {
            return Err(vec![Fault::NotAbsolute]);
        };
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut segments = path.split('/').filter(|_| !path.is_empty()).peekable();
        while let Some(segment) = segments.next() {
            let is_last = segments.peek().is_none();
            if let Err(fault) = template.push(segment, is_last) {
                faults.push(fault);
            }
        }
        if template.pattern.is_empty() {
            template.pattern.push('/');
        }
        match &route.subject {
            _ if route.class == RouteClass::Public => {}
            SubjectFrom::Path if !template.subject => faults.push(Fault::NoSubject),
            SubjectFrom::Field(_) if template.subject => faults.push(Fault::TwoSubjects),
            SubjectFrom::Path | SubjectFrom::Field(_) => {}
        }
        if faults.is_empty() { Ok(template) } else { Err(faults) }
    }

    fn push(&mut self, segment: &str, is_last: bool) -> Result<(), Fault> {
        if matches!(segment, "" | "." | "..") || segment.contains(['%', ';', '?', '#']) {
            return Err(Fault::NeverMatches(segment.to_owned()));
        }
        let Some((before, rest)) = segment.split_once('{') else {
            return self.push_literal(segment);
        };
        let broken = || Fault::Segment(segment.to_owned());
        let (name, after) = rest.split_once('}').ok_or_else(broken)?;
        if [before, name, after].iter().any(|part| part.contains(['{', '}'])) {
            return Err(broken());
        }
        let name = self.placeholder(name)?;
        if name.starts_with('*') {
            if !is_last || !before.is_empty() || !after.is_empty() {
                return Err(Fault::TailNotLast(segment.to_owned()));
            }
            let base = if self.pattern.is_empty() { "/" } else { self.pattern.as_str() };
            self.base = Some(base.to_owned());
        }
        self.pattern.extend(["/", before, "{", name, "}", after]);
        Ok(())
    }

    fn push_literal(&mut self, segment: &str) -> Result<(), Fault> {
        if segment.contains('}') {
            return Err(Fault::Segment(segment.to_owned()));
        }
        self.pattern.extend(["/", segment]);
        Ok(())
    }

    /// The router's name of a placeholder.
    fn placeholder(&mut self, name: &str) -> Result<&'static str, Fault> {
        let (seen, shown, known) = match name {
            "subject" => (&mut self.subject, "subject", "subject"),
            "*subject" => (&mut self.subject, "subject", "*subject"),
            "record" => (&mut self.record, "record", "record"),
            "*" => return Ok("*rest"),
            _ => return Err(Fault::Placeholder(name.to_owned())),
        };
        if std::mem::replace(seen, true) {
            return Err(Fault::Twice(shown));
        }
        self.subject_is_tail |= known == "*subject";
        Ok(known)
    }
}

/// The shape that makes two patterns the same to the router: placeholders without their names.
pub(super) fn shape(pattern: &str) -> String {
    let mut shape = String::new();
    for (place, part) in pattern.split('{').enumerate() {
        let after = part.split_once('}').map_or(part, |(_, after)| after);
        shape.extend([if place > 0 { "{}" } else { "" }, after]);
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::options::{Codec, Field};

    fn route(path: &str) -> RouteSpec {
        RouteSpec {
            name: "r".into(),
            methods: Vec::new(),
            path: path.into(),
            class: RouteClass::Personal,
            codec: Codec::Auto,
            households: false,
            subject: SubjectFrom::Path,
            region: None,
            empty_bytes: None,
            empty_field: None,
        }
    }

    #[test]
    fn templates_are_put_into_the_words_of_the_router() {
        for (path, pattern, base) in [
            ("/a/{subject}", "/a/{subject}", None),
            ("/a/{subject}/", "/a/{subject}", None),
            ("/a/r-{subject}.pdf", "/a/r-{subject}.pdf", None),
            ("/{*subject}", "/{*subject}", Some("/")),
            (
                "/a/{subject}/{record}/{*}",
                "/a/{subject}/{record}/{*rest}",
                Some("/a/{subject}/{record}"),
            ),
        ] {
            let template = Template::of(&route(path)).unwrap();
            assert_eq!((template.pattern.as_str(), template.base.as_deref()), (pattern, base));
        }
    }

    #[test]
    fn each_fault_of_a_template_is_named() {
        let words = |text: &str| text.to_owned();
        for (path, faults) in [
            ("a/{subject}", vec![Fault::NotAbsolute]),
            ("/a//{subject}", vec![Fault::NeverMatches(words(""))]),
            ("/a%20b/{subject}", vec![Fault::NeverMatches(words("a%20b"))]),
            ("/a/{subjct}", vec![Fault::Placeholder(words("subjct")), Fault::NoSubject]),
            ("/a/{subject", vec![Fault::Segment(words("{subject")), Fault::NoSubject]),
            ("/a/subject}", vec![Fault::Segment(words("subject}")), Fault::NoSubject]),
            (
                "/{subject}-{record}",
                vec![Fault::Segment(words("{subject}-{record}")), Fault::NoSubject],
            ),
            ("/{subject}/{subject}", vec![Fault::Twice("subject")]),
            ("/{subject}/{*}/b", vec![Fault::TailNotLast(words("{*}"))]),
            ("/{subject}/x{*}", vec![Fault::TailNotLast(words("x{*}"))]),
            ("/a", vec![Fault::NoSubject]),
        ] {
            assert_eq!(Template::of(&route(path)), Err(faults), "{path}");
        }
        let by_query = SubjectFrom::Field(Field::Query("id".into()));
        let both = RouteSpec { subject: by_query, ..route("/a/{subject}") };
        assert_eq!(Template::of(&both), Err(vec![Fault::TwoSubjects]));
        let public = RouteSpec { class: RouteClass::Public, ..route("/") };
        assert_eq!(Template::of(&public).unwrap().pattern, "/");
    }

    #[test]
    fn faults_say_what_is_allowed() {
        assert_eq!(
            Fault::Placeholder("id".into()).to_string(),
            "`{id}` is none of {subject}, {record}, {*}, {*subject}"
        );
        assert_eq!(
            Fault::NoSubject.to_string(),
            "the path has no {subject}, and no other field is named for it"
        );
    }

    #[test]
    fn patterns_of_one_shape_are_one_to_the_router() {
        assert_eq!(shape("/a/x{subject}.pdf/{*rest}"), "/a/x{}.pdf/{}");
        assert_eq!(shape("/a/{subject}"), shape("/a/{record}"));
    }
}
