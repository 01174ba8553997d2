//! Tables on a server, and the sink's own memory of their columns; both grow in the transaction that brings the rows.

use super::cells::declared;
use super::error::{Doing, PostgresqlError};
use super::names::NAMES;
use crate::sinks::sql::{Plan, StoredColumn, Table, quoted, typed};
use arrow_schema::Schema;
use protocol::{TableName, TopicName};
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// The rows of a job lie side by side, so that an index of ranges finds them. It slows a load far less than a tree, takes a few pages, and finds
/// a job more slowly; docs/sinks.md has the figures.
const INDEX: &str = "USING brin (_job_id) WITH (pages_per_range = 16, autosummarize = on)";

/// Of a table in a statement; the schema is quoted.
pub fn place(schema: &str, name: &TableName) -> String {
    format!("{schema}.{}", quoted(name.as_str()))
}

/// Whoever makes or changes a table does it alone, until his transaction ends.
pub async fn lock(connection: &mut PgConnection, place: &str) -> sqlx::Result<()> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('casparian sink ' || $1, 0))";
    sqlx::query(sql).bind(place).execute(connection).await?;
    Ok(())
}

/// As the sink remembers it.
pub async fn open(
    connection: &mut PgConnection,
    doing: Doing<'_>,
    schema: &str,
    name: &TableName,
) -> Result<Table, PostgresqlError> {
    match look(connection, doing, schema, name).await {
        // Somebody may have made or changed it between one look and the next: not while it is locked.
        Err(PostgresqlError::Table(_)) => {
            let locked = lock(connection, &place(schema, name)).await;
            locked.map_err(|cause| doing.failed(cause))?;
            look(connection, doing, schema, name).await
        }
        looked => looked,
    }
}

async fn look(
    connection: &mut PgConnection,
    doing: Doing<'_>,
    schema: &str,
    name: &TableName,
) -> Result<Table, PostgresqlError> {
    let columns = remembered(connection, schema, name).await;
    let columns = columns.map_err(|cause| doing.failed(cause))?;
    let actual = actual_columns(connection, &place(schema, name)).await;
    let actual = actual.map_err(|cause| doing.failed(cause))?;
    Ok(Table::new(&NAMES, doing.server.to_owned(), name, columns, actual)?)
}

/// Makes the table hold these columns, too.
pub async fn adapt(
    table: &mut Table,
    connection: &mut PgConnection,
    doing: Doing<'_>,
    schema: &str,
    topic: &TopicName,
    columns: &Schema,
) -> Result<(), PostgresqlError> {
    let plan = table.plan(topic, typed(columns))?;
    let action = Doing { action: "change the columns of a table of", ..doing };
    let changed = change(connection, &place(schema, &table.name), table, &plan).await;
    changed.map_err(|cause| action.failed(cause))?;
    table.exists = true;
    let remembered = remember(connection, schema, table, &plan).await;
    remembered.map_err(|cause| action.failed(cause))
}

async fn change(
    connection: &mut PgConnection,
    place: &str,
    table: &Table,
    plan: &Plan,
) -> sqlx::Result<()> {
    let new = table.columns[plan.known..].iter();
    let new = new.map(|it| it.definition(declared(&it.column_type)));
    if !table.exists {
        let columns = new.collect::<Vec<_>>().join(", ");
        let sql = format!("CREATE TABLE {place} ({columns}); CREATE INDEX ON {place} {INDEX}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
        return Ok(());
    }
    let wider = plan.widened.iter().filter_map(|it| {
        let StoredColumn { name, column_type, .. } = &table.columns[it.at];
        let now = declared(column_type);
        (now != declared(&it.before)).then(|| format!("ALTER COLUMN {} TYPE {now}", quoted(name)))
    });
    let changes: Vec<String> = new.map(|it| format!("ADD COLUMN {it}")).chain(wider).collect();
    if !changes.is_empty() {
        let sql = format!("ALTER TABLE {place} {}", changes.join(", "));
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    }
    Ok(())
}

async fn remember(
    connection: &mut PgConnection,
    schema: &str,
    table: &Table,
    plan: &Plan,
) -> sqlx::Result<()> {
    let insert = format!(
        "INSERT INTO {schema}._casparian_columns (table_name, position, column_name, original_name, type) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (table_name, position) DO UPDATE SET column_name = excluded.column_name,
             original_name = excluded.original_name, type = excluded.type"
    );
    for (at, column) in table.changed(plan) {
        let query = sqlx::query(AssertSqlSafe(insert.clone())).bind(table.name.as_str());
        let query = query.bind(at as i32).bind(&column.name).bind(&column.original);
        query.bind(column.column_type.to_string()).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn remembered(
    connection: &mut PgConnection,
    schema: &str,
    name: &TableName,
) -> sqlx::Result<Vec<StoredColumn>> {
    let sql = format!(
        "SELECT column_name, original_name, type FROM {schema}._casparian_columns WHERE table_name = $1 ORDER BY position"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(name.as_str());
    let mut columns = Vec::new();
    for row in query.fetch_all(connection).await? {
        let text: String = row.try_get(2)?;
        let column_type = text.parse().map_err(|cause| sqlx::Error::Decode(Box::new(cause)))?;
        let (name, original) = (row.try_get(0)?, row.try_get(1)?);
        columns.push(StoredColumn { name, original, column_type });
    }
    Ok(columns)
}

/// Within a transaction `to_regclass` may not see what another one has made since; a look at the catalog does.
async fn actual_columns(
    connection: &mut PgConnection,
    place: &str,
) -> sqlx::Result<Option<Vec<String>>> {
    let sql = "SELECT c.relkind IN ('r', 'p'), array(SELECT a.attname::text FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, parse_ident($1) place
               WHERE n.nspname = place[1]::name AND c.relname = place[2]::name";
    let row = sqlx::query(sql).bind(place).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let columns: Vec<String> = row.try_get(1)?;
    Ok(Some(if row.try_get(0)? { columns } else { Vec::new() }))
}
