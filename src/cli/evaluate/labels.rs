//! Who is who in a log that was given: a CSV file of clients and labels.

use super::super::terminal::{self, Printer};
use super::super::{Failure, exit};
use super::table::number;
use crate::alert::escape_text;
use crate::scenarios::board::LabelFigures;
use std::collections::BTreeMap;
use std::path::Path;

/// Names of the column of clients; the other is `label`.
const CLIENTS: [&str; 2] = ["client", "client_ip"];
const LABEL: &str = "label";

/// Reads the labels of clients by their names.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let failed = |words: String| {
        Failure::new(exit::INPUT, &format!("cannot read {}: {words}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|it| failed(it.to_string()))?;
    parse(&text).map_err(failed)
}

fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|it| it.to_string())?;
    let column = |names: &[&str]| header.iter().position(|it| names.contains(&it));
    let (Some(client), Some(label)) = (column(&CLIENTS), column(&[LABEL])) else {
        return Err("its first line names no columns `client` (or `client_ip`) and `label`".into());
    };
    let mut labels = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|it| it.to_string())?;
        if let (Some(client), Some(label)) = (record.get(client), record.get(label)) {
            labels.insert(client.to_owned(), label.to_owned());
        }
    }
    Ok(labels)
}

pub(super) fn print(printer: &mut Printer, rows: &[LabelFigures]) -> Result<(), Failure> {
    let head = format!(
        "{:<30} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "label", "clients", "named", "recall", "own page", "median", "p90", "pages"
    );
    printer.line(&printer.styled(terminal::BOLD, &head))?;
    for row in rows {
        printer.line(&format!(
            "{:<30} {:>8} {:>8} {:>8.2} {:>8} {:>8} {:>8} {:>8}",
            escape_text(&row.label),
            row.clients,
            row.named,
            row.recall,
            row.own,
            number(row.median, "-"),
            number(row.p90, "-"),
            row.pages
        ))?;
    }
    printer.line("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names_and_quotes_are_undone() {
        let text = "n,label,client_ip\n1,\"thief, by night\",192.0.2.7\n\n2, casual ,192.0.2.8\n";
        let labels = parse(text).unwrap();
        assert_eq!(labels["192.0.2.7"], "thief, by night");
        assert_eq!(labels["192.0.2.8"], "casual");
        assert_eq!(labels.len(), 2);
    }

    #[test]
    fn a_file_without_them_says_what_it_lacks() {
        assert!(parse("ip,kind\n1,2\n").unwrap_err().contains("`client_ip`"));
        assert!(parse("client,label\n1\n").unwrap_err().contains("line: 2"));
    }
}
