//! The ids that a client asked for, drawn: look-ups to the right in their order, ids upwards.
//!
//! What numbers say slowly a person sees at once: a line is a walk, a cloud is none, a line in a
//! cloud is a thief in an honest client's key. A position is as good as the id itself, so nothing is
//! drawn but where one lies between the client's own lowest and its highest, in a few steps.

use super::super::svg::Svg;
use crate::alert::escape_text;
use crate::attribute::Position;

/// Points kept: from there on every second one goes, and so on.
const POINTS_MAX: usize = 4_096;
/// Points below which there is nothing to see.
const POINTS_MIN: usize = 8;
/// Characters of a drawing in the terminal, each of two by four dots.
const COLUMNS: usize = 64;
const ROWS: usize = 8;
/// The dots of a braille character from the upper left down, as bits.
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
/// A braille character without dots.
const BLANK: u32 = 0x2800;
/// Columns and rows of a drawing in a file, in pixels, and the height of the text above it.
const FIELD: (usize, usize) = (688, 224);
const TITLE: f64 = 32.0;
const STYLE: &str =
    "text{font:14px sans-serif;fill:#666}.frame{fill:none;stroke:#999}.id{fill:#d6336c}";

/// The positions of a client's look-ups on a route, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    points: Vec<u64>,
    /// Look-ups with a position.
    seen: usize,
    /// One of so many is kept, as a power of two.
    thinned: u32,
}

impl Walk {
    /// Takes the position of a look-up.
    pub(super) fn take(&mut self, position: Position) {
        let Some(at) = position.ordinal() else { return };
        if self.seen.is_multiple_of(1 << self.thinned) {
            self.points.push(at);
        }
        self.seen += 1;
        if self.points.len() >= POINTS_MAX {
            let mut number = 0;
            self.points.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.thinned += 1;
        }
    }

    /// Whether there is anything to see.
    pub(super) fn is_worth_drawing(&self) -> bool {
        self.points.len() >= POINTS_MIN
    }

    /// Look-ups with a position.
    pub(super) const fn look_ups(&self) -> usize {
        self.seen
    }

    /// Where each point lies in a field of so many columns and rows, from the lower left.
    fn scaled(&self, columns: usize, rows: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let low = self.points.iter().copied().min().unwrap_or(0);
        let span = self.points.iter().copied().max().unwrap_or(0) - low;
        let count = self.points.len().max(1);
        self.points.iter().enumerate().map(move |(number, at)| {
            let up = u128::from(at - low) * (rows.max(1) - 1) as u128 / u128::from(span.max(1));
            (number * columns / count, usize::try_from(up).unwrap_or(0))
        })
    }

    /// The drawing as lines of braille.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut cells = [[BLANK; COLUMNS]; ROWS];
        for (column, up) in self.scaled(COLUMNS * 2, ROWS * 4) {
            let down = ROWS * 4 - 1 - up;
            let dot = DOTS.get(column % 2).and_then(|it| it.get(down % 4)).copied().unwrap_or(0);
            let cell = cells.get_mut(down / 4).and_then(|it| it.get_mut(column / 2));
            cell.into_iter().for_each(|it| *it |= dot);
        }
        cells.iter().map(|it| it.iter().filter_map(|it| char::from_u32(*it)).collect()).collect()
    }

    /// The drawing as a part of a larger one, from `top` down.
    fn panel(&self, title: &str, top: f64, svg: &mut Svg) {
        let top_of_field = top + TITLE;
        svg.words("start", [8.0, top_of_field - 10.0], &escape_text(title));
        svg.bar("frame", [8.0, top_of_field], [FIELD.0 as f64 + 16.0, FIELD.1 as f64 + 16.0]);
        for (column, up) in self.scaled(FIELD.0, FIELD.1) {
            let y = top_of_field + 8.0 + (FIELD.1 - 1 - up) as f64;
            svg.point("id", [16.0 + column as f64, y, 1.5]);
        }
    }
}

/// Drawings one below the other, as one file that needs nothing else.
pub(super) fn svg(walks: &[(String, &Walk)]) -> String {
    let height = TITLE + FIELD.1 as f64 + 24.0;
    let (width, all) = (FIELD.0 as f64 + 32.0, height * walks.len() as f64);
    let mut svg = Svg::new(width, all, "ids from the lowest to the highest, look-up by look-up");
    svg.style(STYLE);
    let mut top = 0.0;
    for (title, walk) in walks {
        walk.panel(title, top, &mut svg);
        top += height;
    }
    svg.end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(ids: impl IntoIterator<Item = u64>) -> Walk {
        let mut walk = Walk::default();
        ids.into_iter().for_each(|it| walk.take(Position::new(it)));
        walk
    }

    #[test]
    fn a_walk_is_a_line_from_the_lower_left_to_the_upper_right() {
        let lines = walk((0..1_000).map(|it| 5_000_000 + it)).lines();
        let dots = |line: &String| line.chars().map(|it| it != '\u{2800}').collect::<Vec<_>>();
        let first: Vec<Option<usize>> =
            lines.iter().rev().map(|it| dots(it).iter().position(|it| *it)).collect();
        let expected: Vec<Option<usize>> = (0..ROWS).map(|it| Some(it * COLUMNS / ROWS)).collect();
        let near = |(a, b): (&Option<usize>, &Option<usize>)| a.unwrap().abs_diff(b.unwrap()) <= 1;
        assert!(first.iter().zip(&expected).all(near), "{lines:#?}");
    }

    #[test]
    fn half_a_million_look_ups_are_drawn_from_their_first_to_their_last() {
        let walk = walk(0..500_000);
        assert_eq!(walk.look_ups(), 500_000);
        assert!((POINTS_MAX / 2..POINTS_MAX).contains(&walk.points.len()));
        assert_eq!(walk.points[0], 0);
        assert!(*walk.points.last().unwrap() > 499_000);
        assert!(walk.points.is_sorted());
    }

    #[test]
    fn one_id_asked_for_again_and_again_and_the_widest_span_are_drawn_too() {
        assert_eq!(walk([7; 20]).lines().len(), ROWS);
        assert_eq!(walk([0, u64::MAX - 1].repeat(20)).lines().len(), ROWS);
        assert!(!walk([1, 2, 3]).is_worth_drawing());
    }

    #[test]
    fn a_file_says_whose_ids_they_are_and_nothing_of_the_ids() {
        let walk = walk((0..50).map(|it| 123_456_789 + it));
        let file = svg(&[("staff <b> on beneficiary".into(), &walk)]);
        assert!(file.starts_with("<svg ") && file.contains("staff &lt;b&gt; on beneficiary"));
        assert_eq!(file.matches("<circle").count(), 50);
        assert!(!file.contains("123456"));
    }
}
