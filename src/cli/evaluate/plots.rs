//! The plots of the report.

use super::super::svg::{Axis, Scale, Svg};
use crate::scenarios::board::{Board, GateFigures, NATS_SHOWN};

/// Pixels of a plot: its width, and the height of a row of one that has rows.
const WIDTH: f64 = 900.0;
const ROW: f64 = 20.0;
/// Where rows begin, behind their names, and where they end.
const LEFT: f64 = 320.0;
const RIGHT: f64 = WIDTH - 20.0;
/// Room above the first row.
const TOP: f64 = 28.0;
/// Most that is shown of what was taken.
const TAKEN_MAX: f64 = 100_000.0;
/// The height of a plot with curves, and its margins.
const HEIGHT: f64 = 340.0;
const MARGIN: f64 = 60.0;
/// The rarest share that is shown.
const SHARE_MIN: f64 = 1e-8;
/// The rarest client-days of a thousand that are shown.
const DAYS_MIN: f64 = 1e-3;

/// What each harvest took before the page: median and 90th of a hundred, with bar and aim.
pub(super) fn taken(board: &Board) -> String {
    let rows: Vec<&GateFigures> = board.harvests.iter().filter(|it| it.not_run.is_none()).collect();
    let height = TOP + rows.len() as f64 * ROW + 10.0;
    let mut svg = Svg::new(WIDTH, height, "what each harvest took before the page");
    let axis = Axis { scale: Scale::Log, values: [1.0, TAKEN_MAX], pixels: [LEFT, RIGHT] };
    for tick in axis.decades() {
        let x = axis.at(tick);
        svg.line("grid", [x, TOP - 6.0], [x, height - 10.0]);
        svg.words("middle", [x, TOP - 12.0], &tick.to_string());
    }
    for (row, y) in rows.iter().zip(middles()) {
        let name = format!("{} {}", row.scenario, row.gate);
        svg.words("end", [LEFT - 10.0, y + 4.0], &name);
        let at = |value: u64| axis.at(value as f64);
        let (median, p90) = (row.median.map(at), row.p90.map(at));
        if let Some(aim) = row.aim {
            svg.line("aim", [at(aim), y - 7.0], [at(aim), y + 7.0]);
        }
        if let Some(bar) = row.bar {
            svg.line("limit", [at(bar), y - 8.0], [at(bar), y + 8.0]);
        }
        if let (Some(from), Some(to)) = (median, p90) {
            svg.line("reach", [from, y], [to, y]);
        }
        let counts = row.counts;
        match row.median {
            Some(value) => {
                svg.dot("median", [at(value), y, 4.0], &format!("{name}: median {value} {counts}"))
            }
            None => svg.words("end", [RIGHT, y + 4.0], "missed"),
        }
        if let Some(value) = row.p90 {
            svg.dot("p90", [at(value), y, 6.5], &format!("{name}: p90 {value} {counts}"));
        }
    }
    svg.end()
}

/// Pages a campaign.
pub(super) fn pages(board: &Board) -> String {
    let is_found = |it: &&GateFigures| it.not_run.is_none() && it.found > 0.0;
    let rows: Vec<&GateFigures> = board.harvests.iter().filter(is_found).collect();
    let most = rows.iter().map(|it| it.pages_mean).fold(2.0, f64::max);
    let height = TOP + rows.len() as f64 * ROW + 10.0;
    let mut svg = Svg::new(WIDTH, height, "pages a campaign");
    let axis = Axis { scale: Scale::Linear, values: [0.0, most], pixels: [LEFT, RIGHT - 60.0] };
    let one = axis.at(1.0);
    svg.line("limit", [one, TOP - 6.0], [one, height - 10.0]);
    svg.words("middle", [one, TOP - 12.0], "1");
    for (row, y) in rows.iter().zip(middles()) {
        svg.words("end", [LEFT - 10.0, y + 4.0], &format!("{} {}", row.scenario, row.gate));
        let end = axis.at(row.pages_mean);
        svg.bar("fill", [LEFT, y - 6.0], [end - LEFT, 12.0]);
        svg.words("start", [end + 6.0, y + 4.0], &format!("{:.1}", row.pages_mean));
    }
    svg.end()
}

/// The middles of rows, from the top down.
fn middles() -> impl Iterator<Item = f64> {
    (0_u32..).map(|it| TOP + (f64::from(it) + 0.5) * ROW)
}

/// How often honest evidence comes to so many nats, against what it claims.
pub(super) fn calibration(board: &Board) -> String {
    let mut svg = Svg::new(WIDTH, HEIGHT, "how often honest evidence comes to so many nats");
    let nats = nats_axis();
    let share = Axis { scale: Scale::Log, values: [SHARE_MIN, 1.0], pixels: share_pixels() };
    for tick in share.decades() {
        grid(&mut svg, share.at(tick), &format!("{tick:.0e}"));
    }
    nats_below(&mut svg, &nats);
    let claimed = |it: f64| [nats.at(it), share.at((-it).exp())];
    let end = -SHARE_MIN.ln();
    svg.path("limit", &[claimed(0.0), claimed(end.min(NATS_SHOWN as f64))]);
    for curve in &board.streams {
        svg.path("stream", &points(&curve.exceeded, &nats, &share));
        if let Some([x, y]) = points(&curve.exceeded, &nats, &share).last() {
            svg.words("start", [x + 4.0, y + 4.0], curve.stream);
        }
    }
    svg.path("curve", &points(&board.exceeded, &nats, &share));
    page_level(&mut svg, board, &nats);
    svg.end()
}

/// Client-days of a thousand on which a threshold would have called.
pub(super) fn days(board: &Board) -> String {
    let mut svg = Svg::new(WIDTH, HEIGHT, "honest client-days of a thousand above a threshold");
    let nats = nats_axis();
    let days = Axis { scale: Scale::Log, values: [DAYS_MIN, 1_000.0], pixels: share_pixels() };
    for tick in days.decades() {
        grid(&mut svg, days.at(tick), &tick.to_string());
    }
    nats_below(&mut svg, &nats);
    // One false alarm in a thousand client-days.
    let one = days.at(1.0);
    svg.line("limit", [MARGIN, one], [RIGHT, one]);
    svg.path("curve", &points(&board.per_thousand_client_days, &nats, &days));
    page_level(&mut svg, board, &nats);
    svg.end()
}

const fn nats_axis() -> Axis {
    Axis { scale: Scale::Linear, values: [0.0, NATS_SHOWN as f64], pixels: [MARGIN, RIGHT] }
}

const fn share_pixels() -> [f64; 2] {
    [HEIGHT - 40.0, 20.0]
}

/// A curve by nats, as far as there was anything.
fn points(values: &[f64], nats: &Axis, share: &Axis) -> Vec<[f64; 2]> {
    let there = (0_u32..).zip(values).take_while(|(_, it)| **it > 0.0);
    there.map(|(at, value)| [nats.at(f64::from(at)), share.at(*value)]).collect()
}

fn grid(svg: &mut Svg, y: f64, text: &str) {
    svg.line("grid", [MARGIN, y], [RIGHT, y]);
    svg.words("end", [MARGIN - 6.0, y + 4.0], text);
}

fn nats_below(svg: &mut Svg, nats: &Axis) {
    for tick in (0_u32..=24).step_by(2) {
        svg.words("middle", [nats.at(f64::from(tick)), HEIGHT - 20.0], &tick.to_string());
    }
    svg.words("end", [RIGHT, HEIGHT - 4.0], "log E, in nats");
}

/// Where a page is sent.
fn page_level(svg: &mut Svg, board: &Board, nats: &Axis) {
    let x = nats.at(board.run.page_nats);
    svg.line("aim", [x, 20.0], [x, HEIGHT - 40.0]);
    svg.words("end", [x - 4.0, 32.0], &format!("page at {:.1}", board.run.page_nats));
}
