//! A connection to a server, as a load needs it.

use super::error::{Doing, PostgresqlError};
use protocol::PostgresqlTable;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, Error, PgConnection, Row};
use std::str::FromStr;
use std::time::Duration;

/// Then a server that does not answer counts as away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The server notices within half a minute that a worker is gone; what others made default for people holds for no load; a reader that holds
/// a table while its columns have to change is waited for.
const SETTINGS: &str = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 4; SET tcp_user_timeout = 15000;
    SET statement_timeout = 0; SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = warning;
    SET standard_conforming_strings = on; SET DateStyle = ISO; SET default_transaction_read_only = off; SET default_transaction_isolation = 'read committed'";

/// How a worker shows that it may come in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    pub password: Option<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login")
    }
}

pub struct Session {
    pub connection: PgConnection,
    /// Where tables are made that name no schema.
    pub schema: Option<String>,
}

pub fn options(
    place: &PostgresqlTable,
    login: &Login,
) -> Result<PgConnectOptions, PostgresqlError> {
    let address = place.address();
    let options = PgConnectOptions::from_str(&address).map_err(|cause| {
        PostgresqlError::Address { server: address.clone(), cause: Box::new(cause) }
    })?;
    let options = options.application_name("casparian worker").disable_statement_logging();
    Ok(match &login.password {
        Some(password) => options.password(password),
        None => options,
    })
}

pub async fn connect(
    options: &PgConnectOptions,
    doing: Doing<'_>,
) -> Result<Session, PostgresqlError> {
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await;
    let connected = connecting.unwrap_or(Err(Error::PoolTimedOut));
    let mut connection = connected.map_err(|cause| doing.failed(cause))?;
    let failed = |cause| doing.failed(cause);
    sqlx::raw_sql(SETTINGS).execute(&mut connection).await.map_err(failed)?;
    let sql = "SELECT current_setting('server_encoding'), current_schema()::text";
    let row = sqlx::query(sql).fetch_one(&mut connection).await.map_err(failed)?;
    let encoding: String = row.try_get(0).map_err(failed)?;
    if encoding != "UTF8" {
        // Nothing was done there yet.
        let _ = connection.close().await;
        return Err(PostgresqlError::Encoding { server: doing.server.to_owned(), encoding });
    }
    Ok(Session { connection, schema: row.try_get(1).map_err(failed)? })
}
