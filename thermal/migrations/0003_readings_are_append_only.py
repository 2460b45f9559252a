"""A stored reading never changes and never goes, except with its whole month."""

from django.db import migrations

FORBID = """
CREATE FUNCTION thermal_reading_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A meter reading is final: correct it by a new version.'
        USING ERRCODE = 'restrict_violation', TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER reading_is_final BEFORE UPDATE OR DELETE ON thermal_meterreading
    FOR EACH ROW EXECUTE FUNCTION thermal_reading_is_final();
"""

ALLOW = """
DROP TRIGGER reading_is_final ON thermal_meterreading;
DROP FUNCTION thermal_reading_is_final();
"""


class Migration(migrations.Migration):
    """Guard the partitioned table; every partition inherits the trigger."""

    dependencies = [("thermal", "0002_partition_recorded_values")]

    operations = [migrations.RunSQL(FORBID, ALLOW)]
