//! A table and the sink's own memory of its columns; both grow in the transaction that brings the rows.

use super::cells::declared;
use super::error::{ColumnProblem, Doing, PostgresqlError};
use super::names::{check_columns, quoted, stored_names};
use crate::sinks::columns::column_type;
use arrow_schema::Schema;
use protocol::{ColumnType, LINEAGE, TableName, TopicName, TopicSchema};
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// The rows of a job lie side by side, so that an index of ranges finds them. It slows a load far less than a tree, takes a few pages, and finds
/// a job more slowly; docs/sinks.md has the figures.
const INDEX: &str = "USING brin (_job_id) WITH (pages_per_range = 16, autosummarize = on)";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredColumn {
    /// As it is called in the table.
    pub name: String,
    /// As it is called in the topic.
    pub original: String,
    pub column_type: ColumnType,
}

impl StoredColumn {
    fn definition(&self) -> String {
        let not_null = if LINEAGE.contains(&self.original.as_str()) { " NOT NULL" } else { "" };
        format!("{} {}{not_null}", quoted(&self.name), declared(&self.column_type))
    }
}

/// Whoever makes or changes a table does it alone, until his transaction ends.
pub async fn lock(connection: &mut PgConnection, place: &str) -> sqlx::Result<()> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('casparian sink ' || $1, 0))";
    sqlx::query(sql).bind(place).execute(connection).await?;
    Ok(())
}

#[derive(Debug)]
pub struct Table {
    pub name: TableName,
    /// Quoted, with its schema.
    pub place: String,
    schema: String,
    pub columns: Vec<StoredColumn>,
    pub exists: bool,
    /// Columns that the table has beside those of the sink.
    added: Vec<String>,
}

impl Table {
    /// As the sink remembers it. A table that was dropped comes back with all of its columns.
    pub async fn open(
        connection: &mut PgConnection,
        doing: Doing<'_>,
        schema: &str,
        name: &TableName,
    ) -> Result<Self, PostgresqlError> {
        match Self::look(connection, doing, schema, name).await {
            // Somebody may have made or changed it between one look and the next: not while it is locked.
            Err(PostgresqlError::NotOurs { .. } | PostgresqlError::Column { .. }) => {
                let place = format!("{schema}.{}", quoted(name.as_str()));
                lock(connection, &place).await.map_err(|cause| doing.failed(cause))?;
                Self::look(connection, doing, schema, name).await
            }
            looked => looked,
        }
    }

    async fn look(
        connection: &mut PgConnection,
        doing: Doing<'_>,
        schema: &str,
        name: &TableName,
    ) -> Result<Self, PostgresqlError> {
        let place = format!("{schema}.{}", quoted(name.as_str()));
        let mut table = Self {
            name: name.clone(),
            place,
            schema: schema.to_owned(),
            columns: Vec::new(),
            exists: false,
            added: Vec::new(),
        };
        let remembered = table.remembered(connection).await;
        table.columns = remembered.map_err(|cause| doing.failed(cause))?;
        let actual = table.actual(connection).await.map_err(|cause| doing.failed(cause))?;
        let Some(actual) = actual else { return Ok(table) };
        table.exists = true;
        if table.columns.is_empty() || actual.is_empty() {
            let (server, table) = (doing.server.to_owned(), name.to_string());
            return Err(PostgresqlError::NotOurs { server, table });
        }
        if let Some(gone) = table.columns.iter().find(|it| !actual.contains(&it.name)) {
            return Err(table.problem(doing, &gone.name, ColumnProblem::Gone));
        }
        let is_ours = |name: &String| table.columns.iter().any(|it| it.name == *name);
        table.added = actual.into_iter().filter(|name| !is_ours(name)).collect();
        Ok(table)
    }

    /// Whether rows of this schema need another column, or a wider one.
    pub fn needs(&self, schema: &Schema) -> bool {
        !self.exists
            || schema.fields().iter().any(|field| {
                let incoming = column_type(field.data_type()).unwrap_or(ColumnType::Null);
                let known = self.columns.iter().find(|it| it.original == *field.name());
                match known {
                    _ if incoming == ColumnType::Null => false,
                    None => true,
                    Some(known) => {
                        known.column_type.wider(&incoming, true).as_ref()
                            != Some(&known.column_type)
                    }
                }
            })
    }

    /// Whether rows of these columns can go into it.
    pub fn check(&self, doing: Doing<'_>, schema: &TopicSchema) -> Result<(), PostgresqlError> {
        for column in &schema.columns {
            let known = self.columns.iter().find(|it| it.original == column.name);
            let Some(known) = known else { continue };
            if known.column_type.wider(&column.column_type, true).is_none() {
                let before = known.column_type.clone();
                let problem = ColumnProblem::Conflict { before, now: column.column_type.clone() };
                return Err(self.problem(doing, &column.name, problem));
            }
        }
        Ok(())
    }

    /// Makes the table hold these columns, too. Those without a type wait until they have one.
    pub async fn adapt(
        &mut self,
        connection: &mut PgConnection,
        doing: Doing<'_>,
        topic: &TopicName,
        schema: &Schema,
    ) -> Result<(), PostgresqlError> {
        let known = self.columns.len();
        let mut widened = Vec::new();
        for field in schema.fields() {
            let Some(incoming) = column_type(field.data_type()) else { continue };
            if incoming == ColumnType::Null {
                continue;
            }
            match self.columns.iter().position(|it| it.original == *field.name()) {
                Some(at) => widened.extend(self.widen(doing, at, &incoming)?),
                None => self.columns.push(StoredColumn {
                    name: String::new(),
                    original: field.name().clone(),
                    column_type: incoming,
                }),
            }
        }
        self.name_new(doing, topic, known)?;
        let known = if self.exists { known } else { 0 };
        let action = Doing { action: "change the columns of a table of", ..doing };
        let changed = self.change(connection, known, &widened).await;
        changed.map_err(|cause| action.failed(cause))?;
        self.exists = true;
        let at = widened.iter().map(|(at, _)| *at).chain(known..self.columns.len());
        let remembered = self.remember(connection, at.collect()).await;
        remembered.map_err(|cause| action.failed(cause))
    }

    fn widen(
        &mut self,
        doing: Doing<'_>,
        at: usize,
        incoming: &ColumnType,
    ) -> Result<Option<(usize, bool)>, PostgresqlError> {
        let column = &mut self.columns[at];
        let before = column.column_type.clone();
        let Some(now) = before.wider(incoming, true) else {
            let problem = ColumnProblem::Conflict { before, now: incoming.clone() };
            let name = column.original.clone();
            return Err(self.problem(doing, &name, problem));
        };
        if now == before {
            return Ok(None);
        }
        let differs = declared(&before) != declared(&now);
        column.column_type = now;
        Ok(Some((at, differs)))
    }

    fn name_new(
        &mut self,
        doing: Doing<'_>,
        topic: &TopicName,
        known: usize,
    ) -> Result<(), PostgresqlError> {
        let is_own = |it: &&StoredColumn| !LINEAGE.contains(&it.original.as_str());
        let own: Vec<&str> =
            self.columns.iter().filter(is_own).map(|it| it.original.as_str()).collect();
        check_columns(topic, own.into_iter())?;
        let originals: Vec<&str> = self.columns.iter().map(|it| it.original.as_str()).collect();
        let names = stored_names(&originals);
        for (at, name) in names.into_iter().enumerate().skip(known) {
            if self.added.contains(&name) {
                return Err(self.problem(doing, &name, ColumnProblem::Taken));
            }
            self.columns[at].name = name;
        }
        Ok(())
    }

    async fn change(
        &self,
        connection: &mut PgConnection,
        known: usize,
        widened: &[(usize, bool)],
    ) -> sqlx::Result<()> {
        let place = &self.place;
        if !self.exists {
            let columns: Vec<String> = self.columns.iter().map(StoredColumn::definition).collect();
            let columns = columns.join(", ");
            let sql = format!("CREATE TABLE {place} ({columns}); CREATE INDEX ON {place} {INDEX}");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
            return Ok(());
        }
        let new = self.columns[known..].iter();
        let new = new.map(|column| format!("ADD COLUMN {}", column.definition()));
        let wider = widened.iter().filter(|(_, differs)| *differs).map(|(at, _)| {
            let StoredColumn { name, column_type, .. } = &self.columns[*at];
            format!("ALTER COLUMN {} TYPE {}", quoted(name), declared(column_type))
        });
        let changes: Vec<String> = new.chain(wider).collect();
        if !changes.is_empty() {
            let sql = format!("ALTER TABLE {place} {}", changes.join(", "));
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
        }
        Ok(())
    }

    async fn remember(
        &self,
        connection: &mut PgConnection,
        changed: Vec<usize>,
    ) -> sqlx::Result<()> {
        let insert = format!(
            "INSERT INTO {}._casparian_columns (table_name, position, column_name, original_name, type) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (table_name, position) DO UPDATE SET column_name = excluded.column_name,
                 original_name = excluded.original_name, type = excluded.type",
            self.schema
        );
        for at in changed {
            let column = &self.columns[at];
            let query = sqlx::query(AssertSqlSafe(insert.clone())).bind(self.name.as_str());
            let query = query.bind(at as i32).bind(&column.name).bind(&column.original);
            query.bind(column.column_type.to_string()).execute(&mut *connection).await?;
        }
        Ok(())
    }

    async fn remembered(&self, connection: &mut PgConnection) -> sqlx::Result<Vec<StoredColumn>> {
        let sql = format!(
            "SELECT column_name, original_name, type FROM {}._casparian_columns WHERE table_name = $1 ORDER BY position",
            self.schema
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(self.name.as_str());
        let mut columns = Vec::new();
        for row in query.fetch_all(connection).await? {
            let text: String = row.try_get(2)?;
            let column_type = text.parse().map_err(|cause| sqlx::Error::Decode(Box::new(cause)))?;
            let (name, original) = (row.try_get(0)?, row.try_get(1)?);
            columns.push(StoredColumn { name, original, column_type });
        }
        Ok(columns)
    }

    /// None: there is nothing of that name. Empty: it is no ordinary table. Within a transaction `to_regclass` may not see what another one has
    /// made since; a look at the catalog does.
    async fn actual(&self, connection: &mut PgConnection) -> sqlx::Result<Option<Vec<String>>> {
        let sql = "SELECT c.relkind IN ('r', 'p'), array(SELECT a.attname::text FROM pg_attribute a
                       WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
                   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, parse_ident($1) place
                   WHERE n.nspname = place[1]::name AND c.relname = place[2]::name";
        let row = sqlx::query(sql).bind(&self.place).fetch_optional(connection).await?;
        let Some(row) = row else { return Ok(None) };
        let columns: Vec<String> = row.try_get(1)?;
        Ok(Some(if row.try_get(0)? { columns } else { Vec::new() }))
    }

    fn problem(&self, doing: Doing<'_>, column: &str, problem: ColumnProblem) -> PostgresqlError {
        let (server, table) = (doing.server.to_owned(), self.name.to_string());
        let (column, problem) = (column.to_owned(), Box::new(problem));
        PostgresqlError::Column { server, table, column, problem }
    }
}
