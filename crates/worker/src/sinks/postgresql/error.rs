//! Why a PostgreSQL server does not take or give rows: the server, the cause, the cure; and whether another try can succeed.

use crate::sinks::sql::TableError;
use protocol::ErrorClass;
use sqlx::Error;

#[derive(Debug, thiserror::Error)]
pub enum PostgresqlError {
    #[error(
        "cannot {action} {server}: {cause}; once the server is well, the job is tried again by itself"
    )]
    Away { action: &'static str, server: String, cause: Box<Error> },
    #[error("cannot {action} {server}: {cause}; {cure}")]
    Denied { action: &'static str, server: String, cause: Box<Error>, cure: &'static str },
    #[error("{server} is no address of a PostgreSQL server: {cause}")]
    Address { server: String, cause: Box<Error> },
    #[error(
        "{server} keeps its texts in {encoding}, which does not hold all characters; make a database with ENCODING 'UTF8'"
    )]
    Encoding { server: String, encoding: String },
    #[error(
        "{server}: no schema of the search path exists; create one, or name one in the sink's address"
    )]
    NoSchema { server: String },
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("cannot {action} {server}: {cause}")]
    Failed { action: &'static str, server: String, cause: Box<Error> },
}

impl PostgresqlError {
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Away { .. } => ErrorClass::Storage,
            Self::Table(error) => error.class(),
            _ => ErrorClass::Sink,
        }
    }
}

/// Whose errors they are, and what is being done.
#[derive(Debug, Clone, Copy)]
pub struct Doing<'a> {
    pub action: &'static str,
    /// The address, which has no password.
    pub server: &'a str,
}

impl Doing<'_> {
    pub fn failed(self, cause: Error) -> PostgresqlError {
        let (action, server) = (self.action, self.server.to_owned());
        let code = cause.as_database_error().and_then(|error| error.code().map(String::from));
        let cause = Box::new(cause);
        match code.as_deref() {
            None if is_of_the_connection(&cause) => PostgresqlError::Away { action, server, cause },
            Some(code) if may_pass(code) => PostgresqlError::Away { action, server, cause },
            Some(code) => match cure(code) {
                Some(cure) => PostgresqlError::Denied { action, server, cause, cure },
                None => PostgresqlError::Failed { action, server, cause },
            },
            None => PostgresqlError::Failed { action, server, cause },
        }
    }
}

fn is_of_the_connection(cause: &Error) -> bool {
    matches!(
        cause,
        Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::PoolTimedOut
            | Error::WorkerCrashed
    )
}

/// Connections, resources, the operator, locks and deadlocks: nothing that the rows are to blame for.
fn may_pass(code: &str) -> bool {
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "53" | "57" | "58" | "40") || matches!(code, "55P03" | "25P03" | "25006")
}

fn cure(code: &str) -> Option<&'static str> {
    match code {
        "0A000" => Some(
            "a view or rule of yours keeps the column from getting wider: drop it, run again, and make it anew",
        ),
        _ if code.starts_with("23") => {
            Some("drop the constraint, index or trigger of yours that keeps rows out")
        }
        "28P01" | "28000" => {
            Some("set [sinks.NAME] credentials in casparian.toml, where the worker runs")
        }
        "3D000" => Some("create the database, or name another in the sink's address"),
        "3F000" => Some("create the schema, or name another in the sink's address"),
        "42501" => Some("grant the user CREATE on the schema, or name another user"),
        _ => None,
    }
}
