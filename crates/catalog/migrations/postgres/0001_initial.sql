-- Times: *_us are microseconds, *_ns nanoseconds since 1970 UTC. Paths are bytes. Hashes are the 32 bytes of a SHA-256.
-- Ids are made by the program (63 bits, time-ordered), never by the database. All numbers have 64 bits; flags are numbers, so that one
-- text of a statement serves both databases. What is sorted by is sorted byte by byte, whatever the database's locale.

CREATE TABLE catalog_meta (
    id                 BIGINT PRIMARY KEY CHECK (id = 1),
    -- Tells two catalogs apart, whatever they are called.
    catalog_id         TEXT NOT NULL,
    rules_epoch        BIGINT NOT NULL,
    sentinel_epoch     BIGINT NOT NULL,
    next_id_node       BIGINT NOT NULL,
    -- Until then a scout pass is under way: rewritten files wait for its end.
    pass_open_until_us BIGINT NOT NULL,
    -- Of the plugins' sources and of the settings that the registry was made from; see `Registrar`.
    registry_digest    TEXT NOT NULL DEFAULT '',
    -- What the active Sentinel says of itself, as JSON; on SQLite its lock file says it.
    sentinel           TEXT NOT NULL DEFAULT '{}'
);

CREATE TABLE source_root (
    id            BIGINT PRIMARY KEY,
    path          BYTEA NOT NULL UNIQUE,
    kind          TEXT NOT NULL,
    active        BIGINT NOT NULL,
    added_at_us   BIGINT NOT NULL,
    -- Where it was when all that was missing in it counted as deleted; null: never yet.
    file_system   BIGINT,
    inode         BIGINT,
    -- Why what is missing does not count as deleted until somebody says so, how many files that are, and since when.
    doubt         TEXT,
    missing       BIGINT NOT NULL DEFAULT 0,
    doubted_at_us BIGINT
);

CREATE TABLE directory (
    id             BIGINT PRIMARY KEY,
    source_root_id BIGINT NOT NULL REFERENCES source_root (id),
    path           BYTEA NOT NULL,
    -- Of the names and stats as they were last stored; null: compare the entries.
    digest         BYTEA,
    UNIQUE (source_root_id, path)
);

CREATE TABLE file_location (
    id                 BIGINT PRIMARY KEY,
    directory_id       BIGINT NOT NULL REFERENCES directory (id),
    name               BYTEA NOT NULL,
    inode              BIGINT NOT NULL,
    size               BIGINT NOT NULL,
    mtime_ns           BIGINT NOT NULL,
    ctime_ns           BIGINT NOT NULL,
    -- The content under this stat has not been hashed.
    dirty              BIGINT NOT NULL,
    -- It was hashed so soon after its last change that it has to be hashed once more.
    racy               BIGINT NOT NULL,
    routed_epoch       BIGINT NOT NULL,
    current_version_id BIGINT,
    hashed_at_us       BIGINT,
    discovered_at_us   BIGINT NOT NULL,
    deleted_at_us      BIGINT,
    UNIQUE (directory_id, name)
);
CREATE INDEX file_location_todo ON file_location (routed_epoch, id) WHERE deleted_at_us IS NULL;
CREATE INDEX file_location_racy ON file_location (id) WHERE racy = 1;
CREATE INDEX file_location_dirty ON file_location (id) WHERE dirty = 1;

-- Contents by number: hashes are random, and an index over numbers that rise is written at its end.
CREATE TABLE file_hash_registry (
    id            BIGINT PRIMARY KEY,
    content_hash  BYTEA NOT NULL UNIQUE,
    size          BIGINT NOT NULL,
    first_seen_us BIGINT NOT NULL
);

CREATE TABLE file_version (
    id             BIGINT PRIMARY KEY,
    location_id    BIGINT NOT NULL REFERENCES file_location (id),
    sequence       BIGINT NOT NULL,
    content_id     BIGINT NOT NULL REFERENCES file_hash_registry (id),
    size           BIGINT NOT NULL,
    mtime_ns       BIGINT NOT NULL,
    detected_at_us BIGINT NOT NULL,
    -- Sorted, separated by commas.
    applied_tags   TEXT NOT NULL,
    UNIQUE (location_id, sequence)
);
CREATE INDEX file_version_content ON file_version (content_id);

CREATE TABLE routing_rule (
    id      BIGINT PRIMARY KEY,
    pattern TEXT COLLATE "C" NOT NULL,
    tag     TEXT COLLATE "C" NOT NULL,
    -- 'user', or 'plugin:<name>'.
    origin  TEXT NOT NULL,
    UNIQUE (pattern, tag)
);

CREATE TABLE ignore_rule (
    id             BIGINT PRIMARY KEY,
    source_root_id BIGINT REFERENCES source_root (id),
    pattern        TEXT COLLATE "C" NOT NULL,
    active         BIGINT NOT NULL,
    created_at_us  BIGINT NOT NULL
);

CREATE TABLE plugin_config (
    plugin_name        TEXT COLLATE "C" PRIMARY KEY,
    subscription_tags  TEXT NOT NULL,
    active_manifest_id BIGINT,
    origin             TEXT NOT NULL,
    -- JSON: priority, timeout, memory, retries.
    limits             TEXT NOT NULL,
    dedup              BIGINT NOT NULL,
    retract            BIGINT NOT NULL,
    -- JSON: what configure() gets.
    settings           TEXT NOT NULL,
    last_updated_us    BIGINT NOT NULL
);

CREATE TABLE plugin_manifest (
    id               BIGINT PRIMARY KEY,
    plugin_name      TEXT COLLATE "C" NOT NULL,
    source_hash      BYTEA NOT NULL,
    -- 'python' or 'sql'.
    language         TEXT NOT NULL,
    source_code      TEXT NOT NULL,
    lock_text        TEXT,
    status           TEXT NOT NULL,
    origin           TEXT NOT NULL,
    declaration      TEXT,
    validation_error TEXT,
    created_at_us    BIGINT NOT NULL,
    deployed_at_us   BIGINT,
    UNIQUE (plugin_name, source_hash)
);

CREATE TABLE plugin_announcement (
    announcer   TEXT COLLATE "C" NOT NULL,
    plugin_name TEXT COLLATE "C" NOT NULL,
    source_hash BYTEA NOT NULL,
    PRIMARY KEY (announcer, plugin_name)
);

CREATE TABLE topic_config (
    id          BIGINT PRIMARY KEY,
    plugin_name TEXT COLLATE "C" NOT NULL,
    topic_name  TEXT COLLATE "C" NOT NULL,
    uri         TEXT COLLATE "C" NOT NULL,
    position    BIGINT NOT NULL,
    mode        TEXT NOT NULL,
    -- JSON: history, on_delete, dedup.
    options     TEXT NOT NULL,
    schema_json TEXT,
    UNIQUE (plugin_name, topic_name, uri)
);

-- One row for each change of what a topic's rows look like.
CREATE TABLE topic_schema (
    topic         TEXT COLLATE "C" NOT NULL,
    version       BIGINT NOT NULL,
    -- JSON: name, type and what is declared of each column.
    schema_json   TEXT NOT NULL,
    -- Whose rows it came with; null: a plugin's SCHEMA says it.
    job_id        BIGINT,
    created_at_us BIGINT NOT NULL,
    PRIMARY KEY (topic, version)
);

CREATE TABLE environment_context (
    id          BIGINT PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    host        TEXT NOT NULL,
    user_name   TEXT NOT NULL,
    git_hash    TEXT NOT NULL,
    os          TEXT NOT NULL,
    versions    TEXT NOT NULL
);

CREATE TABLE worker_node (
    id             BIGINT PRIMARY KEY,
    worker_id      TEXT NOT NULL,
    session        TEXT NOT NULL UNIQUE,
    host           TEXT NOT NULL,
    pid            BIGINT NOT NULL,
    environment_id BIGINT NOT NULL REFERENCES environment_context (id),
    slots          BIGINT NOT NULL,
    state          TEXT NOT NULL,
    started_at_us  BIGINT NOT NULL,
    last_seen_us   BIGINT NOT NULL
);

CREATE TABLE processing_job (
    id              BIGINT PRIMARY KEY,
    kind            TEXT NOT NULL,
    state           TEXT NOT NULL,
    file_version_id BIGINT NOT NULL REFERENCES file_version (id),
    location_id     BIGINT NOT NULL REFERENCES file_location (id),
    manifest_id     BIGINT NOT NULL REFERENCES plugin_manifest (id),
    plugin_name     TEXT COLLATE "C" NOT NULL,
    -- That of the version: what is looked up by content is looked up here.
    content_id      BIGINT NOT NULL,
    -- 'fresh' or 'backfill': each has a guaranteed share of the workers' time.
    lane            TEXT NOT NULL DEFAULT 'fresh',
    priority        BIGINT NOT NULL,
    -- Counts dispatches: what is said of an earlier one is not heard.
    attempt         BIGINT NOT NULL DEFAULT 0,
    failures        BIGINT NOT NULL DEFAULT 0,
    losses          BIGINT NOT NULL DEFAULT 0,
    recovery        BIGINT NOT NULL DEFAULT 0,
    hold            TEXT,
    held_by         BIGINT,
    not_before_us   BIGINT,
    session         TEXT,
    granted_session TEXT,
    -- What its outputs are committed with: its own number, or that of its pack.
    commit_id       BIGINT,
    worker_node_id  BIGINT,
    environment_id  BIGINT,
    created_at_us   BIGINT NOT NULL,
    claimed_at_us   BIGINT,
    ended_at_us     BIGINT,
    -- The job whose result replaced this one's.
    superseded_by   BIGINT,
    -- The retract job that took its rows out of the topics that say so; those of its other topics stay.
    retracted_by    BIGINT,
    -- Who asked for its end: user@host. Then `ended_at_us` is when.
    aborted_by      TEXT,
    error_class     TEXT,
    error_message   TEXT,
    rows            BIGINT NOT NULL DEFAULT 0,
    bytes_in        BIGINT NOT NULL DEFAULT 0,
    size_bytes      BIGINT NOT NULL DEFAULT 0,
    quarantined     BIGINT NOT NULL DEFAULT 0,
    metrics         TEXT,
    is_live         BIGINT NOT NULL CHECK ((is_live = 1) = (state IN ('QUEUED', 'RUNNING', 'COMMITTING'))),
    -- Its rows are in the topics, or on their way.
    has_content     BIGINT NOT NULL CHECK ((has_content = 1) = (is_live = 1 OR coalesce(hold, '') = 'backoff'
                        OR (state = 'COMPLETED' AND kind = 'process' AND superseded_by IS NULL))),
    CHECK ((state = 'PENDING') = (hold IS NOT NULL)),
    CHECK ((state IN ('RUNNING', 'COMMITTING')) = (session IS NOT NULL)),
    UNIQUE (file_version_id, manifest_id, kind)
);
-- An index is written at every move that changes a column which it names, also behind its WHERE. That is why they name flags that
-- seldom change, not the state.
CREATE INDEX processing_job_queue ON processing_job (manifest_id, lane, priority DESC, id)
    WHERE state = 'QUEUED' AND losses = 0;
CREATE INDEX processing_job_suspect ON processing_job (priority DESC, id)
    WHERE state = 'QUEUED' AND losses > 0;
CREATE INDEX processing_job_taken ON processing_job (id) WHERE session IS NOT NULL;
CREATE INDEX processing_job_free ON processing_job (hold, not_before_us, id)
    WHERE hold IS NOT NULL AND held_by IS NULL;
CREATE INDEX processing_job_held ON processing_job (held_by) WHERE held_by IS NOT NULL;
CREATE INDEX processing_job_ended ON processing_job (ended_at_us, state) WHERE ended_at_us IS NOT NULL;
CREATE INDEX processing_job_spent ON processing_job (state, id) WHERE state IN ('FAILED', 'ABORTED');
-- At most one job of a file and a plugin is on its way.
CREATE UNIQUE INDEX processing_job_live ON processing_job (location_id, plugin_name) WHERE is_live = 1;
CREATE INDEX processing_job_content ON processing_job (content_id, plugin_name) WHERE has_content = 1;

-- A file of a sink: what one commit put into one place of a topic. It holds the rows of one job, or of each of a pack.
CREATE TABLE output_file (
    id             BIGINT PRIMARY KEY,
    -- Of an attempt by itself the job's number and the attempt; a pack has a number of its own, and attempt 1.
    commit_id      BIGINT NOT NULL,
    attempt        BIGINT NOT NULL,
    topic          TEXT COLLATE "C" NOT NULL,
    uri            TEXT COLLATE "C" NOT NULL,
    staged         TEXT NOT NULL,
    file           TEXT COLLATE "C" NOT NULL,
    rows           BIGINT NOT NULL,
    size_bytes     BIGINT NOT NULL,
    hash           BYTEA NOT NULL,
    -- Of the topic when it was granted; 0 in quarantine.
    schema_version BIGINT NOT NULL,
    -- Of the artifacts in it that are not superseded: how many there are, and their rows.
    artifacts      BIGINT NOT NULL,
    needed_rows    BIGINT NOT NULL,
    -- Nobody needs it, and it lies in _history.
    retired        BIGINT NOT NULL,
    -- Worth becoming one with others.
    is_small       BIGINT NOT NULL,
    -- Making another one of it failed: not to be tried before.
    compact_after_us BIGINT NOT NULL DEFAULT 0,
    created_at_us  BIGINT NOT NULL,
    UNIQUE (uri, file)
);
CREATE INDEX output_file_to_retire ON output_file (id) WHERE artifacts = 0 AND retired = 0;
CREATE INDEX output_file_needed ON output_file (topic, uri, id) WHERE artifacts > 0;
CREATE INDEX output_file_hidden ON output_file (id) WHERE artifacts > 0 AND needed_rows < rows;
CREATE INDEX output_file_small ON output_file (uri, topic, schema_version, size_bytes) WHERE artifacts > 0 AND is_small = 1;

-- Files that are becoming one, from the grant to the receipt. The number is also that of the commit.
CREATE TABLE compaction (
    id              BIGINT PRIMARY KEY,
    -- The one that is made.
    file_id         BIGINT NOT NULL REFERENCES output_file (id),
    session         TEXT NOT NULL,
    granted_session TEXT NOT NULL,
    recovery        BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE compaction_source (
    file_id       BIGINT PRIMARY KEY,
    compaction_id BIGINT NOT NULL REFERENCES compaction (id)
);
CREATE INDEX compaction_source_of ON compaction_source (compaction_id);

-- Where in the new file an artifact's rows begin.
CREATE TABLE compaction_part (
    artifact_id   BIGINT PRIMARY KEY,
    compaction_id BIGINT NOT NULL REFERENCES compaction (id),
    row_start     BIGINT NOT NULL
);
CREATE INDEX compaction_part_of ON compaction_part (compaction_id);

CREATE TABLE artifact (
    id            BIGINT PRIMARY KEY,
    job_id        BIGINT NOT NULL REFERENCES processing_job (id),
    attempt       BIGINT NOT NULL,
    topic         TEXT COLLATE "C" NOT NULL,
    uri           TEXT COLLATE "C" NOT NULL,
    file_id       BIGINT NOT NULL REFERENCES output_file (id),
    -- Its rows follow each other in the file: the first one's number, from 0, and how many there are.
    row_start     BIGINT NOT NULL,
    rows          BIGINT NOT NULL,
    -- They fit no column.
    in_quarantine BIGINT NOT NULL,
    state         TEXT NOT NULL,
    created_at_us BIGINT NOT NULL,
    UNIQUE (job_id, attempt, topic, uri)
);
CREATE INDEX artifact_quarantine ON artifact (job_id) WHERE in_quarantine = 1 AND state = 'CURRENT';
CREATE INDEX artifact_file ON artifact (file_id);
CREATE INDEX artifact_current ON artifact (topic, uri) WHERE state = 'CURRENT';

CREATE TABLE quarantine (
    id      BIGINT PRIMARY KEY,
    job_id  BIGINT NOT NULL REFERENCES processing_job (id),
    topic   TEXT COLLATE "C" NOT NULL,
    uri     TEXT COLLATE "C" NOT NULL,
    rows    BIGINT NOT NULL,
    -- JSON: column, reason and rows of each.
    reasons TEXT NOT NULL,
    UNIQUE (job_id, topic)
);

CREATE TABLE request (
    id              BIGINT PRIMARY KEY,
    kind            TEXT NOT NULL,
    payload         TEXT NOT NULL,
    state           TEXT NOT NULL,
    requested_by    TEXT NOT NULL,
    requested_at_us BIGINT NOT NULL,
    done_at_us      BIGINT,
    result          TEXT
);
CREATE INDEX request_new ON request (id) WHERE state = 'NEW';

CREATE TABLE library_whitelist (
    id                 BIGINT PRIMARY KEY,
    library_name       TEXT NOT NULL UNIQUE,
    version_constraint TEXT,
    description        TEXT,
    added_at_us        BIGINT NOT NULL
);

CREATE TABLE surveyor_session (
    id              BIGINT PRIMARY KEY,
    source_root_id  BIGINT NOT NULL REFERENCES source_root (id),
    current_phase   TEXT NOT NULL,
    started_at_us   BIGINT NOT NULL,
    completed_at_us BIGINT,
    error_message   TEXT,
    phase_data      TEXT NOT NULL
);

CREATE TABLE surveyor_decision (
    id            BIGINT PRIMARY KEY,
    session_id    BIGINT NOT NULL REFERENCES surveyor_session (id),
    phase         TEXT NOT NULL,
    decided_at_us BIGINT NOT NULL,
    decision_type TEXT NOT NULL,
    decision_data TEXT NOT NULL,
    reasoning     TEXT
);
CREATE INDEX surveyor_decision_phase ON surveyor_decision (session_id, phase);
