-- PATTERN: *.csv
-- TOPIC: readings
SELECT * FROM file
