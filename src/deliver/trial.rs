//! A trial of receivers: one alert that fires and ends, through the planning, the requests and the
//! connections that a real one takes, and what each target answered. Only the outbox and the
//! queue are left out: nothing waits, nothing is repeated, nothing is remembered.

use super::courier::{Courier, Means};
use super::driver::{Options, StartError};
use super::notification::Action;
use super::plan::{Now, Planner};
use super::receiver::Target;
use super::retry::Reply;
use crate::alert::{Alert, Status};
use crate::time::{Moment, SECOND_MS};
use std::sync::Arc;

/// What became of one notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The target's name.
    pub target: String,
    /// What it was told.
    pub action: Action,
    /// It was taken.
    pub arrived: bool,
    /// What the target said, or why nothing was heard of it.
    pub said: String,
}

/// Tells every receiver of the options of an alert, and of its end a second later.
///
/// # Errors
/// Where no client for the web or a mail server can be made.
pub async fn trial(
    options: Options,
    fired: Alert,
    wall: Moment,
) -> Result<Vec<Answer>, StartError> {
    let targets = Target::of(&options.receivers);
    let Options { reach, names, timeout, terminal, policy, .. } = options;
    let mut planner = Planner::new(policy, targets.clone());
    let means = Means { reach, names, timeout, terminal };
    let courier = Arc::new(Courier::new(targets, means)?);
    let changed_at = fired.changed_at.plus(SECOND_MS);
    let ended = Alert { status: Status::Resolved, changed_at, ..fired.clone() };
    let mut answers = Vec::new();
    for alert in [fired, ended] {
        let now = Now { clock: alert.changed_at, wall };
        for (at, notification) in planner.plan(vec![alert], &[], now) {
            let (reply, said) = courier.attempt(at, &notification).await;
            let (target, action) = (notification.target, notification.action);
            let arrived = matches!(reply, Reply::Status { code: 200..=299, .. });
            answers.push(Answer { target, action, arrived, said });
        }
    }
    Ok(answers)
}
