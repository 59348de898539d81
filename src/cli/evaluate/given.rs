//! Logs that somebody gave, judged as `replay` judges them.

use super::super::Failure;
use crate::alert::{Alert, escape_text};
use crate::engine::Engine;
use crate::pipeline::backtest::{self, Watcher};
use crate::scenarios::board::{LabelFigures, WeekFigures, labelled};
use crate::time::{DAY_MS, Moment};
use crate::timeline::Cut;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the logs came to.
#[derive(Default)]
pub(super) struct Given {
    pub weeks: Vec<WeekFigures>,
    /// Whom pages named in all of them together, where somebody said who is who.
    pub labels: Vec<LabelFigures>,
}

/// The figures of each log, by one configuration.
pub(super) fn judge(
    config: &Path,
    paths: &[PathBuf],
    labels: Option<&BTreeMap<String, String>>,
) -> Result<Given, Failure> {
    let config = super::super::load(config)?;
    let keys = super::super::keys(&config)?;
    let (mut weeks, mut all) = (Vec::new(), Vec::new());
    for path in paths {
        let mut heard = Heard::default();
        let paths = std::slice::from_ref(path);
        backtest::run(&config, &keys, paths, &mut heard)?;
        let days = heard.span_ms() as f64 / DAY_MS as f64;
        let name = escape_text(&path.display().to_string()).into_owned();
        all.extend(heard.changes.iter().filter(|_| labels.is_some()).cloned());
        weeks.push(WeekFigures::given(name, heard.changes, days));
    }
    Ok(Given { weeks, labels: labels.map(|it| labelled(&all, it)).unwrap_or_default() })
}

/// What a backtest said, and when its log begins and ends.
#[derive(Default)]
struct Heard {
    changes: Vec<Alert>,
    span: Option<(Moment, Moment)>,
}

impl Heard {
    fn span_ms(&self) -> i64 {
        self.span.map_or(0, |(first, last)| last.since(first))
    }
}

impl Watcher for Heard {
    fn alert(&mut self, alert: Alert) {
        self.changes.push(alert);
    }

    fn cut(&mut self, cut: &Cut, _engine: &Engine) {
        let (first, last) = self.span.unwrap_or((cut.at, cut.at));
        self.span = Some((first.min(cut.at), last.max(cut.at)));
    }
}
