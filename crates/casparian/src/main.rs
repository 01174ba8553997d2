//! The `casparian` binary: a command line over the control plane and the data plane.

mod cli;
mod config;
mod failure;
mod keys;
mod output;
mod proof;
mod roles;
mod sql_guest;
mod sql_plugins;

fn main() -> std::process::ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == sql_guest::ARGUMENT) {
        return sql_guest::main();
    }
    cli::main()
}
