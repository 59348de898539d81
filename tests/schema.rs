//! The JSON Schema of the configuration says what its reader does: every key, type, name and limit.

use crate::config::{CONTRACT, files, fixtures, pattern, whole_reference};
use darban::config::Config;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What `darban check` says and a schema of single values cannot: what hangs on two keys at once,
/// on files, on other elements of a list, or on the form of a text.
const BEYOND: &[&str] = &[
    "budget_ratio.toml",
    "hosts.toml",
    "not_toml.toml",
    "security_token.toml",
    "too_many_extras.toml",
    "topics.toml",
];

/// The places and words of what a schema refuses in a value. Only the keywords that the schema
/// uses are known, so a new one is no silent yes.
fn refusals(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let Some(schema) = schema.as_object() else {
        let never = schema == &json!(false);
        return never.then(|| format!("{at}: is not allowed")).into_iter().collect();
    };
    let mut found = Vec::new();
    for (keyword, rule) in schema {
        found.extend(refused_by(keyword, rule, schema, value, at));
    }
    found
}

type Words = serde_json::Map<String, Value>;

fn refused_by(keyword: &str, rule: &Value, all: &Words, value: &Value, at: &str) -> Vec<String> {
    let fine = |inner: &Value| refusals(inner, value, at).is_empty();
    let within = |limit: f64, is_most: bool| {
        value.as_f64().is_none_or(|it| if is_most { it <= limit } else { it >= limit })
    };
    let length = value.as_array().map(Vec::len).or_else(|| value.as_str().map(str::len));
    let bound = || usize::try_from(rule.as_u64().unwrap()).unwrap();
    let object = value.as_object();
    let has = |key: &Value| object.is_none_or(|it| it.contains_key(key.as_str().unwrap()));
    let holds = match keyword {
        "title" | "description" | "default" | "$schema" | "format" | "x-minimum" | "x-maximum"
        | "then" | "else" => true,
        "type" => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            other => panic!("type {other}"),
        },
        "enum" => rule.as_array().unwrap().contains(value),
        "const" => rule == value,
        "minimum" => within(rule.as_f64().unwrap(), false),
        "maximum" => within(rule.as_f64().unwrap(), true),
        "minItems" | "minLength" => length.is_none_or(|it| it >= bound()),
        "maxItems" | "maxLength" => length.is_none_or(|it| it <= bound()),
        "pattern" => value.as_str().is_none_or(|it| fits(rule.as_str().unwrap(), it)),
        "required" => rule.as_array().unwrap().iter().all(has),
        "dependentRequired" => rule.as_object().unwrap().iter().all(|(key, needed)| {
            object.is_none_or(|it| !it.contains_key(key))
                || needed.as_array().unwrap().iter().all(has)
        }),
        "anyOf" => rule.as_array().unwrap().iter().any(fine),
        "oneOf" => rule.as_array().unwrap().iter().filter(|it| fine(it)).count() == 1,
        "allOf" => {
            return rule
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|it| refusals(it, value, at))
                .collect();
        }
        "if" => {
            let then = all.get(if fine(rule) { "then" } else { "else" });
            return then.into_iter().flat_map(|it| refusals(it, value, at)).collect();
        }
        "items" => {
            let items = value.as_array().into_iter().flatten().enumerate();
            let inner =
                |(index, it): (usize, &Value)| refusals(rule, it, &format!("{at}[{index}]"));
            return items.flat_map(inner).collect();
        }
        "propertyNames" => {
            let names = object.into_iter().flatten().map(|(name, _)| json!(name));
            return names.flat_map(|name| refusals(rule, &name, at)).collect();
        }
        "properties" | "additionalProperties" => return in_table(keyword, rule, all, value, at),
        other => panic!("the keyword {other}"),
    };
    (!holds).then(|| format!("{at}: {keyword} {rule}")).into_iter().collect()
}

/// The values of a table that `properties` names, or those that it does not.
fn in_table(keyword: &str, rule: &Value, all: &Words, value: &Value, at: &str) -> Vec<String> {
    let known = all.get("properties").and_then(Value::as_object);
    let of = |key: &String| match keyword {
        "properties" => rule.get(key),
        _ => known.is_none_or(|it| !it.contains_key(key)).then_some(rule),
    };
    let dot = if at.is_empty() { "" } else { "." };
    let entries = value.as_object().into_iter().flatten();
    let judged = entries.filter_map(|(key, it)| Some((key, it, of(key)?)));
    judged.flat_map(|(key, it, schema)| refusals(schema, it, &format!("{at}{dot}{key}"))).collect()
}

/// Whether a text fits one of the schema's few patterns, which are written out here.
fn fits(pattern: &str, text: &str) -> bool {
    let is_duration = |text: &str| {
        let unit = text.trim_start_matches(|it: char| it.is_ascii_digit());
        unit.len() < text.len() && ["ms", "s", "m", "h", "d", "w"].contains(&unit)
    };
    let label = |it: u8| it.is_ascii_alphanumeric() || b"_.-".contains(&it);
    match pattern {
        "^[A-Za-z0-9_.-]{1,64}$" => (1..=64).contains(&text.len()) && text.bytes().all(label),
        "^[0-9]+(ms|s|m|h|d|w)$" => is_duration(text),
        "^(latest|earliest|-[0-9]+(ms|s|m|h|d|w))$" => {
            ["latest", "earliest"].contains(&text)
                || text.strip_prefix('-').is_some_and(is_duration)
        }
        "^/" => text.starts_with('/'),
        "^[^/]+$" => !text.is_empty() && !text.contains('/'),
        "^[A-Za-z]+$" => !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphabetic()),
        "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" => {
            let mark = |it: u8| b"!#$%&'*+.^_`|~-".contains(&it);
            !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || mark(it))
        }
        field if field.starts_with("^(user|address|") => {
            let whole = ["user", "address", "peer", "user_agent", "ja4"].contains(&text);
            let prefixes = ["capture:", "header:", "json:/", "query:"];
            whole || prefixes.iter().any(|it| text.len() > it.len() && text.starts_with(it))
        }
        other => panic!("the pattern {other}"),
    }
}

/// A configuration as a schema sees it; `None` where it is not TOML.
fn instance(text: &str) -> Option<Value> {
    serde_json::to_value(text.parse::<toml::Table>().ok()?).ok()
}

/// The part of a schema that judges what stands at a path of a configuration.
fn part<'s>(schema: &'s Value, path: &str, whole: &Value) -> Option<&'s Value> {
    let (mut schema, mut value) = (schema, whole);
    for step in path.split('.') {
        let (name, index) = step.split_once('[').unwrap_or((step, ""));
        let known = schema["properties"].get(name);
        schema = known.unwrap_or(&schema["additionalProperties"]);
        value = value.get(name)?;
        let Ok(index) = index.trim_end_matches(']').parse::<usize>() else { continue };
        (schema, value) = (&schema["items"], value.get(index)?);
        if let Some(kinds) = schema["oneOf"].as_array().filter(|_| name == "receivers") {
            let is_kind = |it: &&Value| it["properties"]["type"]["const"] == value["type"];
            schema = kinds.iter().find(is_kind)?;
        }
    }
    schema.is_object().then_some(schema)
}

/// The keys of a schema, classes by `*`, with what is said of each.
fn keys<'s>(schema: &'s Value, path: &str, found: &mut Vec<(String, &'s Value)>) {
    let dot = if path.is_empty() { "" } else { "." };
    let properties = schema["properties"].as_object().into_iter().flatten();
    for (name, inner) in properties {
        let name = if path == "classes" { "*" } else { name };
        keys(inner, &format!("{path}{dot}{name}"), found);
    }
    if schema["additionalProperties"].is_object() {
        keys(&schema["additionalProperties"], &format!("{path}{dot}*"), found);
    }
    let items = &schema["items"];
    let kinds = items["oneOf"].as_array().map_or(std::slice::from_ref(items), Vec::as_slice);
    let tables: Vec<&Value> = kinds.iter().filter(|it| it["properties"].is_object()).collect();
    for table in &tables {
        keys(table, path, found);
    }
    if tables.is_empty() && !schema["properties"].is_object() {
        found.push((path.to_owned(), schema));
    }
}

#[test]
fn the_schema_has_the_keys_of_the_reader_and_no_other() {
    let (schema, mut found) = (Config::schema(), Vec::new());
    keys(&schema, "", &mut found);
    let of_schema: BTreeSet<String> = found.iter().map(|(path, _)| path.clone()).collect();
    let accepted = Config::accepted(&whole_reference(), &files()).unwrap();
    let of_reader: BTreeSet<String> = accepted.iter().map(|key| pattern(&key.path)).collect();
    assert_eq!(of_schema, of_reader);
    assert!(of_schema.len() > 80, "{}", of_schema.len());
}

#[test]
fn every_value_has_a_shape_and_every_default_fits_it() {
    let (schema, mut found) = (Config::schema(), Vec::new());
    keys(&schema, "", &mut found);
    for (path, shape) in found {
        let says = ["type", "enum", "const", "anyOf"];
        assert!(says.iter().any(|it| shape.get(*it).is_some()), "{path}: {shape}");
        if let Some(default) = shape.get("default") {
            assert_eq!(refusals(shape, default, &path), Vec::<String>::new());
        }
    }
}

#[test]
fn what_the_reader_takes_the_schema_takes() {
    let schema = Config::schema();
    let read =
        |path: &str| fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let (reference, container) = (read("deploy/darban.toml"), read("deploy/container/darban.toml"));
    for text in [&reference, &container, &whole_reference(), CONTRACT] {
        let refused = refusals(&schema, &instance(text).unwrap(), "");
        assert_eq!(refused, Vec::<String>::new());
    }
}

#[test]
fn a_configuration_that_the_reader_refuses_for_one_value_the_schema_refuses_too() {
    let schema = Config::schema();
    for (path, text) in fixtures() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let refused = instance(&text).is_some_and(|it| !refusals(&schema, &it, "").is_empty());
        assert_eq!(refused, !BEYOND.contains(&name), "{name}");
    }
}

/// Pairs that differ in one thing: what hangs on another key or on a length, once broken and once
/// kept. All are parts of a configuration with one route.
fn pairs() -> Vec<(String, String)> {
    let list = |count: usize, table: &dyn Fn(usize) -> String| -> String {
        (0..count).map(table).collect()
    };
    let stdout = |at: usize| format!("[[receivers]]\nname = \"r{at}\"\ntype = \"stdout\"\n");
    let key = |at: usize| format!("[[clients.keys]]\nkind = \"staff\"\nfield = \"query:q{at}\"\n");
    let readers =
        |count: usize| format!("to = [{}]\n", list(count, &|at| format!("\"a{at}@b.c\", ")));
    let mail = "[[receivers]]\nname = \"m\"\ntype = \"email\"\nhost = \"mail.example.org\"\nfrom = \"d@b.c\"\n";
    let to = readers(1);
    let am = "[[receivers]]\nname = \"am\"\ntype = \"alertmanager\"\n";
    let pager =
        "[[receivers]]\nname = \"p\"\ntype = \"pagerduty\"\nrouting_key_file = \"pagerduty.key\"\n";
    let safe = "[source.security]\nprotocol = \"sasl_tls\"\n";
    let login = &*format!("{safe}username = \"u\"\npassword_file = \"kafka.password\"\n");
    let route = "[[routes]]\nname = \"b\"\npath = \"/b/{subject}\"\nclass = \"personal\"\n";
    let pair =
        |from: &str, broken: &str, kept: &str| (format!("{from}{broken}"), format!("{from}{kept}"));
    let (url, urls) = ("url = \"http://a:9093\"\n", "urls = [\"http://a:9093\"]\n");
    vec![
        pair(am, &format!("{url}{urls}"), url),
        pair(am, "", urls),
        pair(pager, "severity = [\"page\", \"ticket\"]\n", "severity = [\"page\"]\n"),
        pair(
            &format!("{mail}{to}"),
            "username = \"u\"\n",
            "username = \"u\"\npassword_file = \"kafka.password\"\n",
        ),
        (format!("{mail}{}", readers(51)), format!("{mail}{}", readers(50))),
        pair(safe, "username = \"u\"\n", "username = \"u\"\npassword_file = \"kafka.password\"\n"),
        pair(
            &format!("{safe}username = \"u\"\npassword_file = \"kafka.password\"\n"),
            "cert_file = \"client.pem\"\n",
            "cert_file = \"client.pem\"\nkey_file = \"client.key\"\n",
        ),
        pair(
            &format!("{login}mechanism = \"OAUTHBEARER\"\n"),
            "",
            "token_url = \"https://login.example.org/token\"\n",
        ),
        pair(login, "scope = \"kafka\"\n", ""),
        pair(
            "[source.security]\n",
            "protocol = \"plaintext\"\nca_file = \"ca.pem\"\n",
            "protocol = \"tls\"\nca_file = \"ca.pem\"\n",
        ),
        pair("", "[decode]\nformat = \"custom\"\n", "[decode]\nformat = \"kong\"\n"),
        pair("[[clients.keys]]\n", "kind = \"staff\"\n", "kind = \"staff\"\nfield = \"user\"\n"),
        pair("[[clients.keys]]\n", "field = \"user\"\n", "kind = \"address\"\n"),
        pair(
            route,
            "empty_value = \"no\"\n",
            "empty_field = \"json:/found\"\nempty_value = \"no\"\n",
        ),
        pair("[classes.own]\n", "hours = \"always\"\n", "subjects = 40\n"),
        (list(65, &key), list(64, &key)),
        (list(33, &stdout), list(32, &stdout)),
    ]
}

#[test]
fn what_hangs_on_two_keys_or_on_a_length_the_schema_refuses_as_the_reader_does() {
    let schema = Config::schema();
    let route = "[[routes]]\nname = \"a\"\npath = \"/{subject}\"\nclass = \"personal\"\n";
    let mut wrong = Vec::new();
    for (index, (broken, kept)) in pairs().into_iter().enumerate() {
        for (text, is_right) in [(broken, false), (kept, true)] {
            let text = format!("{route}{text}");
            let by_schema = refusals(&schema, &instance(&text).unwrap(), "");
            let by_reader = Config::parse(&text, &files()).map(drop).map_err(|it| it.to_string());
            if (by_schema.is_empty(), by_reader.is_ok()) != (is_right, is_right) {
                wrong.push(format!("pair {index}: {by_schema:?} {by_reader:?}\n{text}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!refusals(&schema, &json!({ "http": {} }), "").is_empty(), "no routes");
}

/// What a key is tried with: TOML values, and whether the schema's words say that they are right.
fn trials(shape: &Value) -> Vec<(String, bool)> {
    let mut trials: Vec<(String, bool)> = vec![("{ never = 1 }".into(), false)];
    let is = |kind: &str| shape["type"] == kind;
    for (name, wrong) in
        [("string", "7"), ("boolean", "\"yes\""), ("integer", "1.5"), ("number", "\"1\"")]
    {
        trials.extend(is(name).then(|| (wrong.to_owned(), false)));
    }
    trials.extend(is("array").then(|| ("7".to_owned(), false)));
    if shape["minItems"] == 1 {
        trials.push(("[]".into(), false));
    }
    for name in shape["enum"].as_array().into_iter().flatten() {
        trials.push((name.to_string(), true));
    }
    trials.extend(shape["enum"].is_array().then(|| ("\"no such name\"".to_owned(), false)));
    for (word, step) in [("minimum", -1), ("maximum", 1)] {
        if let Some(limit) = shape[word].as_i64().filter(|_| is("integer")) {
            trials.extend([(limit.to_string(), true), ((limit + step).to_string(), false)]);
        } else if let Some(limit) = shape[word].as_f64() {
            let beyond = if step < 0 { limit * 0.99 } else { limit * 1.01 };
            trials.extend([(format!("{limit:?}"), true), (format!("{beyond:?}"), false)]);
        }
    }
    trials
}

/// Every `key = value` of a text, with its line and the dotted path of the key.
fn lines(text: &str) -> Vec<(usize, String)> {
    let (mut table, mut counts) = (String::new(), std::collections::BTreeMap::new());
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(list) = line.strip_prefix("[[") {
            let name = list.trim_end_matches("]]").to_owned();
            let count = counts.entry(name.clone()).or_insert(0);
            table = format!("{name}[{count}]");
            *count += 1;
        } else if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut table);
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            found.push((index, format!("{table}.{key}")));
        }
    }
    found
}

/// Whether the reader has nothing against the value at a path.
fn is_taken(text: &str, path: &str) -> bool {
    let problems = Config::parse(text, &files()).map(drop).map_err(|it| it.list);
    problems.map_or_else(|it| it.iter().all(|problem| !problem.path.starts_with(path)), |()| true)
}

fn with_value(text: &str, index: usize, path: &str, value: &str) -> String {
    let key = path.rsplit('.').next().unwrap();
    let changed = |(at, line): (usize, &str)| {
        if at == index { format!("{key} = {value}\n") } else { format!("{line}\n") }
    };
    text.lines().enumerate().map(changed).collect()
}

#[test]
fn types_names_and_limits_are_those_of_the_reader() {
    let (schema, whole) = (Config::schema(), whole_reference());
    let value = instance(&whole).unwrap();
    let mut tried = 0;
    for (index, path) in lines(&whole) {
        let shape = part(&schema, &path, &value).unwrap_or_else(|| panic!("{path} has no shape"));
        for (trial, is_right) in trials(shape) {
            // A million pages a week are too many for the contacts beside them.
            if path == "detect.pages_per_week" && trial == "1000000.0" {
                continue;
            }
            let text = with_value(&whole, index, &path, &trial);
            let given = &instance(&format!("it = {trial}")).unwrap()["it"];
            let by_schema = refusals(shape, given, "").is_empty();
            assert_eq!(
                (by_schema, is_taken(&text, &path)),
                (is_right, is_right),
                "{path} = {trial}"
            );
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn the_limits_of_durations_are_those_of_the_reader() {
    let (schema, whole) = (Config::schema(), whole_reference());
    let value = instance(&whole).unwrap();
    let mut tried = 0;
    for (index, path) in lines(&whole) {
        let shape = part(&schema, &path, &value).unwrap();
        let (Some(least), Some(most)) = (shape["x-minimum"].as_str(), shape["x-maximum"].as_str())
        else {
            continue;
        };
        let ms = |text: &str| {
            let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
            let unit = text.strip_prefix(digits).unwrap();
            let place = ["ms", "s", "m", "h", "d"].iter().position(|it| *it == unit);
            let in_ms = [1, 1_000, 60_000, 3_600_000, 86_400_000][place.unwrap()];
            digits.parse::<u64>().unwrap() * in_ms
        };
        for (at, is_right) in
            [(ms(least), true), (ms(least) - 1, false), (ms(most), true), (ms(most) + 1, false)]
        {
            let text = with_value(&whole, index, &path, &format!("\"{at}ms\""));
            assert_eq!(is_taken(&text, &path), is_right, "{path} = {at}ms");
        }
        tried += 1;
    }
    assert!(tried >= 5, "{tried}");
}

#[test]
fn a_key_says_in_the_schema_what_it_says_in_the_reference() {
    let schema = Config::schema();
    let words = |place: &str| schema.pointer(place).and_then(|it| it["description"].as_str());
    let page = "/properties/alert/properties/records_out_page";
    assert_eq!(words(page), Some("A ticket becomes a page when so many records have left."));
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    keys(&schema, "", &mut found);
    for (path, shape) in &found {
        silent.extend(shape.get("description").is_none().then_some(path.as_str()));
    }
    assert!(silent.len() * 4 < found.len(), "{silent:?}");
}

#[test]
fn the_command_prints_it() {
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_darban")).arg("schema").output();
    let printed: Value = serde_json::from_slice(&run.unwrap().stdout).unwrap();
    assert_eq!(printed, Config::schema());
    assert_eq!(printed["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
