-- Logs of a test bench: two lines before the header, semicolons, decimal commas, Latin-1. READER says that a line at the end is none of the
-- table, and that the day comes first, which 12.03.2026 alone does not prove. What the bench wrote while it hung goes to quarantine.
-- PATTERN: pressure_*.csv
-- TOPIC: pressure
-- TOPIC: pressure_by_channel
-- READER: footer=1 types=Kanal:text,Zeit:"timestamp(%d.%m.%Y %H:%M:%S)"
SELECT "Zeit" AS at, "Kanal" AS channel, "Druck bar" AS bar, "Temperatur C" AS celsius, "Gültig" = 'ja' AS valid, _row AS row
FROM file;

SELECT "Kanal" AS channel, count(*) AS readings, min("Druck bar") AS lowest_bar, max("Druck bar") AS highest_bar
FROM file WHERE "Gültig" = 'ja' GROUP BY "Kanal" ORDER BY "Kanal";
