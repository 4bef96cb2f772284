"""From a bank's file to rows of text that Spark can trust: streaming, in bounded memory, before Spark sees a byte.

A file is found (`drops`), its bytes are checked (`delivered`), decoded and cut into lines (`text`), read by its format
(`csv_rows`, `json_rows`, `parquet_rows`), compared with its control file (`control`) and put down as a Parquet file
named by the hash of what was delivered (`landed`). What is wrong with the whole file is a `Refused`; what is wrong with
one row's shape stands in the row's `_problem`.
"""

from landing.drops import Drop, drops
from landing.landed import Landed, Shape, land
from landing.refusal import Held, Refused

__all__ = ["Drop", "Held", "Landed", "Refused", "Shape", "drops", "land"]
