"""Recorded values grow for ever: both tables are partitioned by month of ``at``."""

from django.db import migrations

PARTITION = """
ALTER TABLE {table} RENAME TO {table}_plain;
CREATE TABLE {table} (LIKE {table}_plain INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)
    PARTITION BY RANGE (at);
DROP TABLE {table}_plain;
ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY ({key});
"""

READING_KEYS = """
ALTER TABLE thermal_meterreading
    ADD CONSTRAINT meter_reading_meter FOREIGN KEY (meter_id) REFERENCES hosting_meter (id),
    ADD CONSTRAINT meter_reading_author FOREIGN KEY (author_id) REFERENCES accounts_user (id),
    ADD CONSTRAINT meter_reading_approver FOREIGN KEY (approver_id) REFERENCES accounts_user (id);
"""


class Migration(migrations.Migration):
    """Recreate the two empty tables as partitioned ones; partitions are made by a service."""

    dependencies = [("thermal", "0001_initial")]

    operations = [
        migrations.RunSQL(
            PARTITION.format(table="thermal_telemetryframe", key="device_id, at"), migrations.RunSQL.noop
        ),
        migrations.RunSQL(
            PARTITION.format(table="thermal_meterreading", key="meter_id, at, version") + READING_KEYS,
            migrations.RunSQL.noop,
        ),
    ]
