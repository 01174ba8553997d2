-- What the bench did, as JSON lines, packed or not.
-- PATTERN: events.ndjson
-- PATTERN: events.ndjson.gz
-- TOPIC: events
SELECT CAST(at AS TIMESTAMP) AS at, rig, run, event, detail['valve'] AS valve, detail['limit_bar'] AS limit_bar FROM file;
