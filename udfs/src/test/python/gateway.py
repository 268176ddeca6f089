"""Calls the functions of a running session the way PySpark does: through Py4J, from another process.

Arguments: the gateway's port, and its secret in the environment (GATEWAY_SECRET). Prints a JSON list.
"""

import json
import os
import sys

from py4j.java_gateway import GatewayParameters, JavaGateway

gateway = JavaGateway(
    gateway_parameters=GatewayParameters(
        address="127.0.0.1",
        port=int(sys.argv[1]),
        auth_token=os.environ["GATEWAY_SECRET"],
        auto_convert=True,
    )
)
spark = gateway.jvm.org.apache.spark.sql.SparkSession.active()
functions = gateway.jvm.org.apache.spark.sql.functions

view = spark.table("contracts")
counted = view.withColumn("tokens", functions.expr("lowpass_count_tokens(body)"))
extracted = spark.sql(
    "SELECT lowpass_extract(body, '%s').total_fee FROM contracts"
    % json.dumps(
        {"properties": {"total_fee": {"type": "number", "description": "What is the total fee in dollars?"}}}
    )
)
plan = extracted.queryExecution().executedPlan().toString()
print(
    json.dumps(
        [
            counted.select("tokens", gateway.new_array(gateway.jvm.String, 0)).first().getInt(0),
            extracted.first().getDouble(0),
            plan.count("LowpassEval"),
        ]
    )
)
gateway.close()
