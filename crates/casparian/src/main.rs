//! The `casparian` binary: a command line over the control plane and the data plane.

mod cli;
mod config;
mod failure;
mod keys;
mod output;
mod proof;
mod roles;

fn main() -> std::process::ExitCode {
    cli::main()
}
