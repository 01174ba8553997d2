-- How far the pressure rose between two events of a run.
SELECT e.rig, e.run, e.event, e.at, round(max(p.bar), 2) AS highest_bar, count(p.bar) AS readings
FROM (SELECT *, lead(at) OVER (PARTITION BY rig, run ORDER BY at) AS until FROM events) e
LEFT JOIN pressure p ON p.at >= e.at AND p.at < e.until AND p.valid
GROUP BY e.rig, e.run, e.event, e.at ORDER BY e.rig, e.at
