//! Rules of the house that no lint can check. A file per rule: a pure function over texts that returns findings,
//! tests on made-up texts that show it can fail, and one test that runs it over the project.

mod arrows;
mod layout;
mod lexer;
mod lints;
mod lock;
mod migrations;
mod orphans;
mod printing;
mod project;
mod python;
mod sql;
mod unused;
