//! Drawings on a page: parts of it, in its colours.
//!
//! The words stand around a drawing and not in it, where they would shrink with it on a phone. What
//! it shows is also said, for whoever does not see it.

use super::pages::{data, put};
use crate::alert::Alert;
use crate::alert::text::{grouped, number};
use crate::engine::Drawn;
use crate::judge::SHAPE_STEPS;

/// The field of a drawn trail, in its own units, and the room around it.
const FIELD: (usize, usize) = (704, 220);
const MARGIN: usize = 10;
/// Lines across it.
const GRID: usize = 4;

/// The ids that a client asked for, as a figure: from the first look-up to the last one, from its
/// lowest id to its highest.
pub(super) fn trail(drawn: &Drawn) -> String {
    let (width, height) = (FIELD.0 + 2 * MARGIN, FIELD.1 + 2 * MARGIN);
    let places = &drawn.shape.places;
    let (rises, falls, steps) = turns(places);
    let said = format!("Of {steps} steps from one id to the next {rises} rise and {falls} fall.");
    let mut figure = format!(
        "<figure class=\"card\"><figcaption>Ids that {} asked for on {}</figcaption>\
         <svg class=\"trail\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{said}\">\
         <rect class=\"frame\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"4\"/>",
        data(&format!("{} {}", drawn.client.key.name(), drawn.client.id)),
        data(&drawn.route),
        width - 1,
        height - 1
    );
    for line in 1..GRID {
        let y = MARGIN + FIELD.1 * line / GRID;
        put(
            &mut figure,
            format_args!("<path class=\"grid\" d=\"M{MARGIN} {y}H{}\"/>", MARGIN + FIELD.0),
        );
    }
    figure.push_str("<path class=\"ids\" d=\"");
    for (number, place) in places.iter().enumerate() {
        let x = MARGIN + number * FIELD.0 / (places.len() - 1).max(1);
        let up = usize::from(*place).min(usize::from(SHAPE_STEPS)) * FIELD.1;
        let y = MARGIN + FIELD.1 - up / usize::from(SHAPE_STEPS - 1);
        put(&mut figure, format_args!("M{x} {y}h0"));
    }
    put(
        &mut figure,
        format_args!(
            "\"/></svg><figcaption>Lowest id at the bottom, highest at the top; first contact at \
             the start, last at the end. {said} Drawn are {} of {} first contacts since it came \
             under suspicion; no id can be read from it.</figcaption></figure>",
            places.len(),
            grouped(drawn.shape.look_ups)
        ),
    );
    figure
}

/// How often the next one lies higher, how often lower, and of how many.
fn turns(places: &[u16]) -> (usize, usize, usize) {
    let steps = || places.iter().zip(places.iter().skip(1));
    let rises = steps().filter(|(a, b)| a < b).count();
    let falls = steps().filter(|(a, b)| a > b).count();
    (rises, falls, steps().count())
}

/// Expected against seen, as a table with bars of one scale.
pub(super) fn compared(alert: &Alert) -> String {
    let (seen, expected) = (&alert.seen, &alert.expected);
    let most = seen.subjects.max(expected.subjects);
    let mut table = format!(
        "<table><thead><tr><th scope=\"col\">{}</th><th scope=\"col\" class=\"num\">How many</th>\
         <th scope=\"col\"><span>Compared</span></th></tr></thead><tbody>",
        data(&seen.quantity)
    );
    for (label, value, class) in
        [("Expected", expected.subjects, "bar"), ("Seen", seen.subjects, "bar loud")]
    {
        let share = if most > 0.0 { (value / most * 100.0).clamp(0.0, 100.0) } else { 0.0 };
        put(
            &mut table,
            format_args!(
                "<tr><th scope=\"row\">{label}</th><td class=\"num\">{}</td><td class=\"wide\">\
                 <svg class=\"{class}\" viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" \
                 aria-hidden=\"true\"><rect width=\"{:.1}\" height=\"1\"/></svg></td></tr>",
                number(value),
                // What is there is seen, however little it is.
                if share > 0.0 { share.max(0.5) } else { 0.0 }
            ),
        );
    }
    table.push_str("</tbody></table>");
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Client, sample};
    use crate::attribute::KeyKind;
    use crate::judge::Shape;

    fn drawn(places: Vec<u16>) -> Drawn {
        let client = Client { key: KeyKind::Staff, id: "<b>".to_owned() };
        Drawn { client, route: "r".into(), shape: Shape { places, look_ups: 1_234 } }
    }

    #[test]
    fn a_walk_goes_from_the_lower_start_to_the_upper_end_and_is_said_too() {
        let figure = trail(&drawn(vec![0, 333, 666, 999]));
        assert!(figure.contains("d=\"M10 230h0M244 157h0M479 84h0M714 10h0\""), "{figure}");
        assert!(figure.contains("Of 3 steps from one id to the next 3 rise and 0 fall."));
        assert!(figure.contains("4 of 1,234 first contacts") && figure.contains("staff &lt;b&gt;"));
    }

    #[test]
    fn a_single_point_and_places_out_of_range_stay_in_the_field() {
        let figure = trail(&drawn(vec![u16::MAX]));
        assert!(figure.contains("d=\"M10 10h0\""), "{figure}");
        assert!(trail(&drawn(Vec::new())).contains("Of 0 steps"));
    }

    #[test]
    fn bars_have_one_scale_and_nothing_has_none() {
        let mut alert = sample::alert();
        let table = compared(&alert);
        assert!(table.contains("width=\"13.1\"") && table.contains("width=\"100.0\""), "{table}");
        (alert.seen.subjects, alert.expected.subjects) = (0.0, 0.0);
        assert_eq!(compared(&alert).matches("width=\"0.0\"").count(), 2);
        (alert.seen.subjects, alert.expected.subjects) = (1e9, f64::NAN);
        assert!(!compared(&alert).contains("NaN"));
    }
}
