//! How a server is spoken to.

use super::connection::Pool;
use super::handle::Pools;
use crate::url::Server;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection, PgPool};
use std::time::Duration;

const READERS: u32 = 4;
/// A row of an index takes a third of a page at most, less what stands around the path.
pub(super) const PATH_LEN_MAX: usize = 2_600;
/// Then a server that does not answer counts as not reachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Writers of a catalog take turns, as they do on SQLite: each transaction reads and then writes by what it read, and under this lock
/// nobody else writes in between. Every statement sees all that was committed before its turn came. Our transactions are short and write
/// in bulk, so that nothing is won by letting them overlap, and neither write skew nor deadlocks have to be thought of.
pub(super) const BEGIN_WRITING: &str = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('casparian writer of ' || current_schema(), 0))";

/// One schema, so that no table of another shadows one of ours. A server notices within half a minute that a client is gone, and one that
/// stands still in the middle of a transaction does not keep the others from writing.
const SESSION: &str = "SELECT set_config('search_path', quote_ident(current_schema()), false) WHERE current_schema() IS NOT NULL;
    SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 4; SET tcp_user_timeout = 15000;
    SET lock_timeout = '10s'; SET client_min_messages = warning;
    SET join_collapse_limit = 1; SET jit = off;";
/// Statements that write go by index from a few rows to a few others, in the order in which they are written, as on SQLite. A planner that
/// has no statistics yet, as in the first minute of a catalog, would read whole tables instead.
const WRITER: &str = "SET idle_in_transaction_session_timeout = '10s';
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;";
/// What the scout wrote last may be lost with the power: the next pass finds it again.
const SCOUT: &str = "SET synchronous_commit = off;";

pub(super) fn pools(server: &Server) -> Pools {
    Pools {
        readers: pool(server, READERS, &[]),
        scout: pool(server, 1, &[WRITER, SCOUT]),
        sentinel: pool(server, 1, &[WRITER]),
    }
}

/// A connection of its own.
pub(crate) async fn connect(server: &Server) -> sqlx::Result<PgConnection> {
    let options = options(server);
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await;
    let mut connection = connected.map_err(|_| sqlx::Error::PoolTimedOut)??;
    sqlx::raw_sql(SESSION).execute(&mut connection).await?;
    Ok(connection)
}

fn options(server: &Server) -> PgConnectOptions {
    server.options().clone().application_name("casparian").disable_statement_logging()
}

/// Of one connection, for who has to have the same one all the time.
pub(super) fn lone_pool(server: &Server) -> PgPool {
    connections(server, 1, &[])
}

fn pool(server: &Server, count: u32, also: &'static [&'static str]) -> Pool {
    Pool::Postgres(connections(server, count, also))
}

/// Made when they are first used; that the server is there was seen before.
fn connections(server: &Server, count: u32, also: &'static [&'static str]) -> PgPool {
    PgPoolOptions::new()
        .max_connections(count)
        .acquire_timeout(CONNECT_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SESSION).execute(&mut *connection).await?;
                for settings in also {
                    sqlx::raw_sql(*settings).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .connect_lazy_with(options(server))
}
