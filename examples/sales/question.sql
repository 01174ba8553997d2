-- Which product brought most in each region.
SELECT region, product, sum(quantity) AS sold, sum(revenue) AS revenue FROM revenue
GROUP BY region, product QUALIFY rank() OVER (PARTITION BY region ORDER BY sum(revenue) DESC) = 1 ORDER BY region
