//! Drawings by hand: a plot is a few lines, dots and words in a box.
//!
//! No script, and no style of its own unless it is to stand alone: strokes and fills are
//! `currentColor` and classes of the page's style sheet, so a plot is readable on a dark page as on a
//! light one. Words are our own; what is from a log goes through `escape_text` first.

use crate::alert::html_of;
use std::fmt::{Arguments, Write};

/// How an axis runs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scale {
    /// Evenly.
    Linear,
    /// By powers of ten. What is zero or less stands at its lower end.
    Log,
}

/// An axis: its ends, in values and in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) scale: Scale,
    pub(super) values: [f64; 2],
    pub(super) pixels: [f64; 2],
}

impl Axis {
    /// Where a value stands, kept within the axis.
    pub(super) fn at(&self, value: f64) -> f64 {
        let [low, high] = self.values;
        let place = match self.scale {
            Scale::Linear => (value - low) / (high - low),
            Scale::Log => (value.max(low) / low).log10() / (high / low).log10(),
        };
        let [from, to] = self.pixels;
        from + place.clamp(0.0, 1.0) * (to - from)
    }

    /// The powers of ten from its lower end to its upper one.
    pub(super) fn decades(&self) -> Vec<f64> {
        let [low, high] = self.values;
        let mut ticks = vec![low];
        while let Some(last) = ticks.last().filter(|it| **it * 10.0 <= high * 1.001) {
            ticks.push(last * 10.0);
        }
        ticks
    }
}

/// A drawing.
#[derive(Debug)]
pub(super) struct Svg(String);

impl Svg {
    /// An empty one with a title that screen readers say.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let title = html_of(title);
        Self(format!(
            "<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\" \
             xmlns=\"http://www.w3.org/2000/svg\"><title>{title}</title>"
        ))
    }

    /// The style of one that is a file by itself.
    pub(super) fn style(&mut self, css: &str) {
        self.put(format_args!("<style>{css}</style>"));
    }

    pub(super) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        self.put(format_args!(
            "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    /// A line through points.
    pub(super) fn path(&mut self, class: &str, points: &[[f64; 2]]) {
        let points: String = points.iter().map(|[x, y]| format!("{x:.1},{y:.1} ")).collect();
        self.put(format_args!("<polyline class=\"{class}\" points=\"{}\"/>", points.trim_end()));
    }

    /// A dot of a radius with words for whoever points at it.
    pub(super) fn dot(&mut self, class: &str, [x, y, r]: [f64; 3], words: &str) {
        let words = html_of(words);
        self.put(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.0}\"><title>{words}</title></circle>"
        ));
    }

    /// One of many dots, which says nothing.
    pub(super) fn point(&mut self, class: &str, [x, y, r]: [f64; 3]) {
        self.put(format_args!(
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\"/>"
        ));
    }

    /// A bar that lies, or a frame.
    pub(super) fn bar(&mut self, class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
            width.max(0.0)
        ));
    }

    /// Words that end or begin at a point: `anchor` is `start`, `middle` or `end`.
    pub(super) fn words(&mut self, anchor: &str, [x, y]: [f64; 2], text: &str) {
        let text = html_of(text);
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        ));
    }

    pub(super) fn end(mut self) -> String {
        self.0.push_str("</svg>");
        self.0
    }

    fn put(&mut self, text: Arguments<'_>) {
        let _infallible = self.0.write_fmt(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_puts_values_between_its_ends_and_keeps_the_others_there() {
        let axis = Axis { scale: Scale::Log, values: [1.0, 100.0], pixels: [0.0, 200.0] };
        let place = |axis: &Axis, value| format!("{:.0}", axis.at(value));
        let places = [0.0, 1.0, 10.0, 100.0, 1e6].map(|it| place(&axis, it));
        assert_eq!(places, ["0", "0", "100", "200", "200"]);
        assert_eq!(axis.decades().len(), 3);
        let axis = Axis { scale: Scale::Linear, values: [0.0, 10.0], pixels: [100.0, 0.0] };
        assert_eq!(place(&axis, 5.0), "50");
    }

    #[test]
    fn words_cannot_leave_a_drawing() {
        let mut svg = Svg::new(10.0, 10.0, "a\"b");
        svg.words("start", [0.0, 0.0], "</text><script>");
        let text = svg.end();
        assert!(!text.contains("<script>") && text.contains("a&quot;b"), "{text}");
    }
}
