"""The same cleaning on a cluster: Spark reads, marks and writes a log where it lies.

from regard.data.spark import clean_into, read_files, spark_session

session = spark_session("spark://head:7077")
log = read_files(session, "hdfs://head/shop/purchases")
print(clean_into(log, "hdfs://head/shop/clean"))
"""

from regard.data.spark.cleaning import clean_into
from regard.data.spark.read import read_files
from regard.data.spark.rows import number_rows
from regard.data.spark.session import spark_session

__all__ = ["clean_into", "number_rows", "read_files", "spark_session"]
