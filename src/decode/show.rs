//! A record as JSON, for `darban check`.

use super::{AccessRecord, Extra};
use serde_json::{Map, Value, json};

/// The fields of a record by name, absent ones left out. A value that is not UTF-8 is
/// `{"hex": "…"}`, so that nothing is lost in showing it.
#[must_use]
pub fn record_json(record: &AccessRecord<'_>, extras: &[Extra]) -> Map<String, Value> {
    let mut map = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(name.to_owned(), value);
        }
    };
    put("method", Some(text(&record.method)));
    put("target", Some(text(&record.target)));
    put("is_template", record.is_template.then_some(Value::from(true)));
    put("time", record.time.map(|it| json!(it.to_string())));
    put("status", record.status.map(Value::from));
    put("bytes", record.bytes.map(Value::from));
    put("peer", record.peer.as_deref().map(text));
    put("user", record.user.as_deref().map(text));
    put("user_agent", record.user_agent.as_deref().map(text));
    put("forwarded", record.forwarded.as_deref().map(text));
    put("ja4", record.ja4.as_deref().map(text));
    let captures: Vec<Value> = record.captures.iter().map(|it| text(it)).collect();
    put("captures", (!captures.is_empty()).then_some(Value::from(captures)));
    for (at, extra) in extras.iter().enumerate() {
        let name = match extra {
            Extra::Header(name) => format!("header:{name}"),
            Extra::Json(pointer) => format!("json:{pointer}"),
        };
        put(&name, record.extras.get(at).map(text));
    }
    map
}

fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => {
            let hex: String = bytes.iter().map(|it| format!("{it:02x}")).collect();
            json!({ "hex": hex })
        }
    }
}
