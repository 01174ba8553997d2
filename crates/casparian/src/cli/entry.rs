//! From the arguments to the exit code.

use super::command;
use super::context::Context;
use crate::config::Environment;
use crate::failure::{Ending, Failure};
use crate::output::{self, Printer};
use crate::roles::heed_tests;
use clap::Parser;
use clap::error::ErrorKind;
use std::process::ExitCode;

pub fn main() -> ExitCode {
    output::quiet_panics();
    let arguments = match command::Arguments::try_parse_from(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return unparsed(&error),
    };
    match std::panic::catch_unwind(|| execute(arguments)) {
        Ok(Ok(ending)) => ending.into(),
        Ok(Err(failure)) => {
            output::failure(&failure);
            failure.kind.into()
        }
        // The hook has told it.
        Err(_) => ExitCode::from(1),
    }
}

fn execute(arguments: command::Arguments) -> Result<Ending, Failure> {
    let global = &arguments.global;
    let is_plain = !arguments.command.is_standing() && global.verbosity() <= 0;
    output::start_log(global.log_format, global.verbosity(), is_plain);
    let context = Context {
        flags: global.flags(),
        environment: Environment::read()?,
        printer: Printer::new(global.json, global.quiet),
    };
    heed_tests(&context.environment);
    arguments.command.execute(&context)
}

/// Help and version are what was asked for; everything else is a mistake in the arguments.
fn unparsed(error: &clap::Error) -> ExitCode {
    let asked = [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&error.kind());
    let text = error.render();
    if asked {
        let printed = Printer::new(false, false).data(&text.to_string());
        return if printed.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(4) };
    }
    output::usage(&text.to_string());
    ExitCode::from(2)
}
