-- PATTERN: *.ndjson
-- TOPIC: readings
SELECT * FROM file
