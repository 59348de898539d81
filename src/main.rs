//! The `darban` binary.

fn main() {}
