# The same files a second time, for another table: revenue by region and product, a row per file and pair.
# PATTERN: 20*/*/orders.csv
# TOPIC: revenue
import polars as pl

from casparian_flow.sdk import BasePlugin


class Handler(BasePlugin):
    def execute(self, path):
        # Money is not a float: the column is read as the decimal that stands there.
        orders = pl.read_csv(path, schema_overrides={"unit_price": pl.Decimal(12, 2)}, try_parse_dates=True)
        self.log.info(f"{orders.height} orders")
        return orders.group_by("region", "product", maintain_order=True).agg(
            pl.col("ordered_on").min().alias("first_order"),
            pl.col("quantity").sum(),
            (pl.col("quantity") * pl.col("unit_price")).sum().alias("revenue"),
        )
