//! Silences: what a person has decided not to be told about, until when, and why.
//!
//! They stand in a file that a person may write, so that each can have a review. `darban silence`
//! changes that file too, and every change has an author and a reason in the log beside it; none is
//! made by whoever holds a session on the pages. They match as Alertmanager's do (`matchers`, beside
//! keys for the plain cases): every given matcher must match, of a campaign every member, and every
//! route that a harvest has come to and kind that it has shown: a silence for one clinic never hides
//! the five others of the same harvest, nor one for its busy days a walk. Members beyond the listed
//! thousand cannot be looked at, so a matcher on clients does not silence an alert that has some.
//!
//! Expiry goes by slice time and not by the wall clock: what is read out of a backlog is silenced
//! as it would have been in time. A silenced alert is shown and counted; only its notifications
//! are held back. So `replay`, which notifies nobody, does not read silences: it shows what was
//! judged, the silenced too.

use super::change::{Alert, Client, Kind};
use super::matcher::Matcher;
use crate::attribute::KeyKind;
use crate::time::Moment;
use siphasher::sip::SipHasher13;
use std::hash::{Hash, Hasher};
use toml::{Table, Value};

/// Silences in a file at most: each alert change walks the list, and nobody reviews more.
pub const SILENCES_MAX: usize = 1_000;

/// The keys of one `[[silence]]`.
const KEYS: &[&str] =
    &["client", "key", "route", "kind", "matchers", "from", "until", "reason", "author"];
/// Those of them of which one is needed.
const CONDITIONS: &[&str] = &["client", "key", "route", "kind", "matchers"];
/// Matchers of one silence at most.
const MATCHERS_MAX: usize = 16;

/// One silence. What is `None` matches everything; at least one matcher is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// A pattern with `*` that the name of every client must match.
    pub client: Option<String>,
    /// The kind that every client must be of.
    pub key: Option<KeyKind>,
    /// The route's name.
    pub route: Option<String>,
    /// The alert's kind.
    pub kind: Option<Kind>,
    /// What more must hold, as Alertmanager writes it.
    pub matchers: Vec<Matcher>,
    /// It holds from here on; `None` for always.
    pub from: Option<Moment>,
    /// It holds before this.
    pub until: Moment,
    /// Why, for whoever finds it.
    pub reason: String,
    /// Who decided it.
    pub author: Option<String>,
}

impl Silence {
    /// What it is called: a hash of all that it says but its end, so that it keeps its name when
    /// it is ended, and whoever writes the file by hand needs to invent none.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hasher = SipHasher13::new();
        let what = self.plain().map(|it| it.1);
        let words = [Some(self.reason.as_str()), self.author.as_deref()];
        what.iter().chain(&words).for_each(|it| it.hash(&mut hasher));
        self.matchers.iter().for_each(|it| it.to_string().hash(&mut hasher));
        self.from.map(|it| it.0).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// Whether it holds at `now`, will hold, or is over.
    #[must_use]
    pub fn phase(&self, now: Moment) -> Phase {
        match self.from {
            _ if self.until <= now => Phase::Expired,
            Some(from) if now < from => Phase::Pending,
            Some(_) | None => Phase::Active,
        }
    }

    /// What it matches by under keys of the file of their own.
    #[must_use]
    pub fn plain(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("client", self.client.as_deref()),
            ("key", self.key.map(KeyKind::name)),
            ("route", self.route.as_deref()),
            ("kind", self.kind.map(Kind::name)),
        ]
    }

    /// What is shown of it in lists: its keys, what it is called, and where it stands.
    #[must_use]
    pub fn listed(&self, now: Moment) -> serde_json::Value {
        let mut row = self.shown();
        if let Some(fields) = row.as_object_mut() {
            fields.insert("id".to_owned(), self.id().into());
            fields.insert("phase".to_owned(), self.phase(now).name().into());
        }
        row
    }

    /// Its keys as they stand in the file.
    #[must_use]
    pub fn shown(&self) -> serde_json::Value {
        let mut shown = serde_json::Map::new();
        for (key, text) in self.plain() {
            shown.extend(text.map(|it| (key.to_owned(), it.into())));
        }
        if !self.matchers.is_empty() {
            let texts: Vec<String> = self.matchers.iter().map(Matcher::to_string).collect();
            shown.insert("matchers".to_owned(), texts.into());
        }
        for (key, text) in [
            ("from", self.from.map(|it| it.to_string())),
            ("until", Some(self.until.to_string())),
            ("reason", Some(self.reason.clone())),
            ("author", self.author.clone()),
        ] {
            shown.extend(text.map(|it| (key.to_owned(), it.into())));
        }
        shown.into()
    }

    fn matches(&self, alert: &Alert, now: Moment) -> bool {
        let holds = now < self.until && self.from.is_none_or(|from| from <= now);
        holds
            && self.kind.is_none_or(|kind| alert.kinds().all(|it| it == kind))
            && self.route.as_deref().is_none_or(|route| alert.routes().all(|it| it == route))
            && self.matchers.iter().all(|it| allowed(it, alert))
            && self.members_match(alert)
    }

    fn members_match(&self, alert: &Alert) -> bool {
        let asked = |it: &Matcher| matches!(it.label(), "client" | "key");
        if self.client.is_none() && self.key.is_none() && !self.matchers.iter().any(asked) {
            return true;
        }
        let listed = u64::try_from(alert.clients.len()).unwrap_or(u64::MAX);
        let all_are_listed = listed > 0 && alert.members_total <= listed;
        all_are_listed && alert.clients.iter().all(|it| self.member_matches(it))
    }

    fn member_matches(&self, client: &Client) -> bool {
        self.key.is_none_or(|key| key == client.key)
            && self.client.as_deref().is_none_or(|pattern| glob_matches(pattern, &client.id))
    }
}

/// Whether everything that an alert says of a matcher's label is what it asks for.
fn allowed(matcher: &Matcher, alert: &Alert) -> bool {
    match matcher.label() {
        "client" => alert.clients.iter().all(|it| matcher.allows(&it.id)),
        "key" => alert.clients.iter().all(|it| matcher.allows(it.key.name())),
        "route" => alert.routes().all(|it| matcher.allows(it)),
        _ => alert.kinds().all(|it| matcher.allows(it.name())),
    }
}

/// Where a silence stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It holds.
    Active,
    /// It will hold.
    Pending,
    /// It is over.
    Expired,
}

impl Phase {
    /// As lists print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

/// The silences of one file, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Silences {
    list: Vec<Silence>,
}

impl Silences {
    /// Reads `silences.toml`.
    ///
    /// # Errors
    /// Every problem of the file, one line each, with its dotted path (`silence[0].until: …`),
    /// what stands there and what is allowed.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let table: Table = text.parse().map_err(|error| vec![syntax(text, &error)])?;
        let mut problems = Vec::new();
        for key in table.keys().filter(|it| *it != "silence") {
            problems.push(unknown("", key, &["silence"]));
        }
        let list = match table.get("silence") {
            None => Vec::new(),
            Some(Value::Array(rows)) => Self::rows(rows, &mut problems),
            Some(_) => {
                problems.push("silence: write each as a `[[silence]]` table".to_owned());
                Vec::new()
            }
        };
        if problems.is_empty() { Ok(Self { list }) } else { Err(problems) }
    }

    fn rows(rows: &[Value], problems: &mut Vec<String>) -> Vec<Silence> {
        if rows.len() > SILENCES_MAX {
            problems.push(format!("silence: {} of them, at most {SILENCES_MAX}", rows.len()));
            return Vec::new();
        }
        let mut list = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            match row.as_table() {
                Some(table) => {
                    list.extend(Row { path: format!("silence[{at}]"), table, problems }.check());
                }
                None => problems.push(format!("silence[{at}]: must be a table")),
            }
        }
        list
    }

    /// The first silence that holds at slice time `now` and matches the alert.
    #[must_use]
    pub fn matches(&self, alert: &Alert, now: Moment) -> Option<&Silence> {
        self.list.iter().find(|it| it.matches(alert, now))
    }

    /// Every silence in the order of the file, expired ones too.
    #[must_use]
    pub fn list(&self) -> &[Silence] {
        &self.list
    }
}

/// One `[[silence]]` under check.
struct Row<'a> {
    path: String,
    table: &'a Table,
    problems: &'a mut Vec<String>,
}

impl Row<'_> {
    fn check(mut self) -> Option<Silence> {
        let before = self.problems.len();
        for key in self.table.keys().filter(|it| !KEYS.contains(&it.as_str())) {
            let problem = unknown(&format!("{}.", self.path), key, KEYS);
            self.problems.push(problem);
        }
        let client = self.text("client");
        let key = self.one_of("key", KeyKind::ALL.iter().map(|it| (it.name(), *it)));
        let route = self.text("route");
        let kind = self.one_of("kind", Kind::ALL.iter().map(|it| (it.name(), *it)));
        let matchers = self.matchers();
        if !CONDITIONS.iter().any(|it| self.table.contains_key(*it)) {
            let problem = format!("{}: needs one of {}", self.path, CONDITIONS.join(", "));
            self.problems.push(problem);
        }
        let from = self.time("from");
        let until = self.required("until").then(|| self.time("until")).flatten();
        let reason = self.required("reason").then(|| self.text("reason")).flatten();
        let author = self.text("author");
        if let (Some(from), Some(until)) = (from, until)
            && from >= until
        {
            self.problems.push(format!("{}.until: must be after from", self.path));
        }
        let (Some(until), Some(reason)) = (until, reason) else { return None };
        let silence = Silence { client, key, route, kind, matchers, from, until, reason, author };
        (self.problems.len() == before).then_some(silence)
    }

    fn required(&mut self, key: &str) -> bool {
        let present = self.table.contains_key(key);
        if !present {
            self.problems.push(format!("{}.{key}: is required", self.path));
        }
        present
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.table.get(key)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            other => {
                let problem = format!("{}.{key}: `{other}` is no text", self.path);
                self.problems.push(problem);
                None
            }
        }
    }

    fn matchers(&mut self) -> Vec<Matcher> {
        let Some(value) = self.table.get("matchers") else { return Vec::new() };
        let rows = value.as_array().filter(|it| (1..=MATCHERS_MAX).contains(&it.len()));
        let Some(rows) = rows else {
            let words = format!("is no list of 1 to {MATCHERS_MAX}, such as ['client=~\"a-.*\"']");
            self.problems.push(format!("{}.matchers: {words}", self.path));
            return Vec::new();
        };
        let mut matchers = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            match row.as_str().ok_or_else(|| "is no text".to_owned()).and_then(str::parse) {
                Ok(matcher) => matchers.push(matcher),
                Err(words) => {
                    self.problems.push(format!("{}.matchers[{at}]: `{row}` {words}", self.path));
                }
            }
        }
        matchers
    }

    fn time(&mut self, key: &str) -> Option<Moment> {
        let value = self.table.get(key)?;
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let parsed = text.parse::<jiff::Timestamp>().ok();
        if parsed.is_none() {
            self.problems.push(format!(
                "{}.{key}: `{text}` is no time with a zone, such as \"2026-12-01T00:00:00Z\"",
                self.path
            ));
        }
        parsed.map(|it| Moment(it.as_millisecond()))
    }

    fn one_of<T>(
        &mut self,
        key: &str,
        allowed: impl Iterator<Item = (&'static str, T)> + Clone,
    ) -> Option<T> {
        let text = self.text(key)?;
        let found = allowed.clone().find(|(name, _)| *name == text);
        if found.is_none() {
            let names: Vec<&str> = allowed.map(|(name, _)| name).collect();
            self.problems.push(format!(
                "{}.{key}: `{text}` is none of {}{}",
                self.path,
                names.join(", "),
                nearest(&text, &names)
            ));
        }
        found.map(|(_, value)| value)
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    format!("line {line}: {}", error.message().lines().collect::<Vec<_>>().join(", "))
}

fn unknown(path: &str, key: &str, allowed: &[&str]) -> String {
    format!("{path}{key}: unknown key{}", nearest(key, allowed))
}

fn nearest(text: &str, allowed: &[&str]) -> String {
    let distance = |it: &str| strsim::damerau_levenshtein(text, it);
    match allowed.iter().min_by_key(|it| distance(it)) {
        Some(name) => format!("; the nearest is `{name}`"),
        None => String::new(),
    }
}

/// Whether `text` matches a pattern in which `*` stands for any run of characters.
///
/// Linear in the text for each `*`: after a mismatch only the last `*` takes one more byte, which
/// suffices because an earlier one could only take what the later one can take as well.
fn glob_matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|it| text.strip_prefix(it)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::sample;

    fn silences(row: &str) -> Silences {
        let tail = "until = \"2026-12-01T00:00:00Z\"\nreason = \"known\"";
        Silences::parse(&format!("[[silence]]\n{row}\n{tail}")).unwrap()
    }

    fn hits(row: &str, alert: &Alert) -> bool {
        silences(row).matches(alert, alert.changed_at).is_some()
    }

    #[test]
    fn every_given_matcher_must_match() {
        let alert = sample::alert();
        assert!(hits("client = \"clinic-*\"", &alert));
        assert!(hits("client = \"clinic-17\"\nkey = \"staff\"\nkind = \"walk\"", &alert));
        assert!(!hits("client = \"clinic-*\"\nkey = \"partner\"", &alert));
        assert!(!hits("client = \"clinic-*\"\nroute = \"elsewhere\"", &alert));
        assert!(!hits("kind = \"volume\"", &alert));
    }

    #[test]
    fn of_a_campaign_every_member_must_match_and_be_listed() {
        let mut alert = sample::alert();
        alert.clients.push(Client { key: KeyKind::Staff, id: "pharmacy-2".to_owned() });
        alert.members_total = 2;
        assert!(!hits("client = \"clinic-*\"", &alert));
        assert!(hits("key = \"staff\"", &alert));
        alert.members_total = 1_001;
        assert!(!hits("key = \"staff\"", &alert));
        assert!(hits("route = \"beneficiary\"", &alert));
        alert.clients.clear();
        alert.members_total = 0;
        assert!(!hits("client = \"*\"", &alert));
    }

    #[test]
    fn matchers_ask_every_member_route_and_kind_and_must_hold_beside_the_keys() {
        let mut alert = sample::alert();
        assert!(hits(r#"matchers = ['client=~"clinic-[0-9]+"', "kind=~walk|harvest"]"#, &alert));
        assert!(!hits(r#"matchers = ['client=~"clinic-[0-9]"']"#, &alert));
        assert!(!hits("key = \"partner\"\nmatchers = [\"client=~clinic-.*\"]", &alert));
        assert!(!hits("matchers = [\"client=~clinic-.*\", \"key=partner\"]", &alert));
        alert.clients.push(Client { key: KeyKind::Staff, id: "pharmacy-2".to_owned() });
        alert.members_total = 2;
        assert!(!hits("matchers = [\"client!=pharmacy-2\"]", &alert));
        assert!(hits("matchers = [\"client=~(clinic|pharmacy)-.*\"]", &alert));
        alert.members_total = 1_001;
        assert!(!hits("matchers = [\"client!~batch-.*\"]", &alert), "unlisted ones may be batch-1");
        alert.also_on.push("photo".into());
        assert!(hits("matchers = [\"route=~beneficiary|photo\"]", &alert));
        assert!(!hits("matchers = [\"route!=photo\"]", &alert));
        alert.also_kinds.push(Kind::Guessing);
        assert!(!hits("matchers = [\"kind=walk\"]", &alert));
    }

    #[test]
    fn each_matcher_that_is_none_is_named_with_its_place() {
        let tail = "until = \"2026-12-01T00:00:00Z\"\nreason = \"known\"";
        let of = |row: &str| Silences::parse(&format!("[[silence]]\n{row}\n{tail}")).unwrap_err();
        assert_eq!(
            of("matchers = [\"client=a\", \"cleint=a\", 4, \"client=~(\"]"),
            [
                "silence[0].matchers[1]: `\"cleint=a\"` asks for none of client, key, route, kind",
                "silence[0].matchers[2]: `4` is no text",
                "silence[0].matchers[3]: `\"client=~(\"` has an expression that is none: unclosed group",
            ]
        );
        assert_eq!(of("matchers = []").len(), 1);
    }

    #[test]
    fn a_silence_of_one_route_does_not_hide_what_a_harvest_does_on_another() {
        let mut alert = sample::alert();
        assert!(hits("route = \"beneficiary\"", &alert));
        alert.also_on.push("photo".into());
        assert!(!hits("route = \"beneficiary\"", &alert));
        assert!(hits("client = \"clinic-17\"", &alert));
    }

    #[test]
    fn a_silence_of_one_kind_does_not_hide_another_that_comes_to_the_same_alert() {
        let mut alert = sample::alert();
        assert!(hits("kind = \"walk\"", &alert));
        alert.also_kinds.push(Kind::Guessing);
        assert!(!hits("kind = \"walk\"", &alert));
    }

    #[test]
    fn it_holds_from_its_start_until_before_its_end_by_slice_time() {
        let silences = silences("key = \"staff\"\nfrom = 2026-11-30T00:00:00+01:00");
        let alert = sample::alert();
        let at = |text: &str| Moment(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
        assert!(silences.matches(&alert, at("2026-11-29T22:59:59.999Z")).is_none());
        assert!(silences.matches(&alert, at("2026-11-29T23:00:00Z")).is_some());
        assert!(silences.matches(&alert, at("2026-11-30T23:59:59.999Z")).is_some());
        assert!(silences.matches(&alert, at("2026-12-01T00:00:00Z")).is_none());
    }

    #[test]
    fn every_problem_is_named_at_once_with_its_path() {
        let problems = Silences::parse(
            "[[silence]]\ncleint = \"x\"\nuntil = \"tomorrow\"\n\
             [[silence]]\nkey = \"stuff\"\nkind = 4\nfrom = 2027-01-01\nuntil = 2026-01-01T00:00:00Z\nreason = \"\"\n\
             [[silence]]\nroute = \"r\"\nfrom = 2026-01-02T00:00:00Z\nuntil = 2026-01-01T00:00:00Z\nreason = \"r\"\n\
             [silences]",
        )
        .unwrap_err();
        assert_eq!(
            problems,
            [
                "silences: unknown key; the nearest is `silence`",
                "silence[0].cleint: unknown key; the nearest is `client`",
                "silence[0]: needs one of client, key, route, kind, matchers",
                "silence[0].until: `tomorrow` is no time with a zone, such as \"2026-12-01T00:00:00Z\"",
                "silence[0].reason: is required",
                "silence[1].key: `stuff` is none of credential, staff, partner, subtenant, session, address, network, asn, fingerprint; the nearest is `staff`",
                "silence[1].kind: `4` is no text",
                "silence[1].from: `2027-01-01` is no time with a zone, such as \"2026-12-01T00:00:00Z\"",
                "silence[1].reason: `\"\"` is no text",
                "silence[2].until: must be after from",
            ]
        );
        assert_eq!(Silences::parse("").unwrap(), Silences::default());
        let syntax = Silences::parse("[[silence]]\nclient = ").unwrap_err();
        assert!(syntax.iter().all(|it| it.starts_with("line 2: ")), "{syntax:?}");
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "a", true),
            ("a*a", "a", false),
            ("*a*b", "xaxxbab", true),
            ("*a*b", "xaxxba", false),
            ("a**c", "abc", true),
            ("clinic-*-north", "clinic-é-north", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(glob_matches(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
