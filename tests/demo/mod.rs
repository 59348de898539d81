//! The demo: what it shows is what was hidden in it.

mod judged;
mod process;
mod shown;
