//! The log: one line an event on standard error, for a person or as JSON for a collector.
//!
//! Standard output is kept for alerts. What a client wrote gets here only through the escaper, and
//! colours are never written, so a log line cannot move a terminal's cursor.

use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// For a person or journald.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why there is no log.
#[derive(Debug, Error)]
pub enum Error {
    /// The filter is not understood.
    #[error(
        "reading the log filter {0:?}: use a level (error, warn, info, debug, trace) or module=level"
    )]
    Filter(String),
    /// Somebody set a log up already.
    #[error("a log was set up already")]
    Twice,
}

/// Sets the process's log up. `filter` is a level or `module=level,…`.
///
/// # Errors
/// When the filter is not understood, or when called twice.
pub fn start(look: Look, filter: &str) -> Result<(), Error> {
    let dispatch = dispatch(look, filter, std::io::stderr)?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| Error::Twice)
}

fn dispatch<W>(look: Look, filter: &str, writer: W) -> Result<tracing::Dispatch, Error>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter =
        EnvFilter::try_new(filter).map_err(|_| Error::Filter(filter.chars().take(64).collect()))?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer);
    Ok(match look {
        Look::Text => builder.with_target(false).finish().into(),
        Look::Json => builder.json().flatten_event(true).finish().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(look: Look, filter: &str) -> String {
        let page = Page::default();
        let writer = page.clone();
        let dispatch = dispatch(look, filter, move || writer.clone()).unwrap();
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::warn!(partition = 3, "a partition says nothing");
            tracing::debug!("detail");
        });
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_json_line_holds_message_level_and_fields() {
        let line: serde_json::Value = serde_json::from_str(&logged(Look::Json, "info")).unwrap();
        assert_eq!(line["message"], "a partition says nothing");
        assert_eq!((&line["level"], &line["partition"]), (&"WARN".into(), &3.into()));
    }

    #[test]
    fn text_has_no_escape_sequences_and_the_filter_holds() {
        let text = logged(Look::Text, "info");
        assert!(text.contains("a partition says nothing partition=3"), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains("detail"), "{text}");
    }

    #[test]
    fn a_filter_that_is_none_is_refused_with_what_is_allowed() {
        let error = dispatch(Look::Text, "darban=loud", std::io::stderr).unwrap_err();
        assert!(error.to_string().contains("darban=loud") && error.to_string().contains("debug"));
    }
}
