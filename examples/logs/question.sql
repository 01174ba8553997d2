-- Who meets errors, and where from.
SELECT client, count(*) AS requests, sum(CASE WHEN status >= 400 THEN 1 ELSE 0 END) AS errors FROM web_requests
GROUP BY client HAVING sum(CASE WHEN status >= 400 THEN 1 ELSE 0 END) > 0 ORDER BY errors DESC, client LIMIT 5
