//! The ids that a client asked for, drawn: look-ups to the right in their order, ids upwards.
//!
//! Which of them are drawn, and that no id is, [`Trail`] sees to.

use super::super::svg::Svg;
use crate::alert::escape_text;
use crate::judge::Trail;

/// Points kept at most.
const POINTS_MAX: usize = 4_096;
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
pub(super) struct Walk(pub(super) Trail<POINTS_MAX>);

impl Walk {
    /// Where each point lies in a field of so many columns and rows, from the lower left.
    fn scaled(&self, columns: usize, rows: usize) -> impl Iterator<Item = (usize, usize)> {
        let rows = self.0.rows(rows);
        let count = rows.len().max(1);
        rows.into_iter().enumerate().map(move |(number, up)| (number * columns / count, up))
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
    use crate::attribute::Position;

    fn walk(ids: impl IntoIterator<Item = u64>) -> Walk {
        let mut walk = Walk::default();
        ids.into_iter().for_each(|it| walk.0.take(Position::new(it)));
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
    fn one_id_asked_for_again_and_again_and_the_widest_span_are_drawn_too() {
        assert_eq!(walk([7; 20]).lines().len(), ROWS);
        assert_eq!(walk([0, u64::MAX - 1].repeat(20)).lines().len(), ROWS);
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
