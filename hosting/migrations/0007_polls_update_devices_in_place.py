"""Every poll updates its device and its controller: leave room in their pages, and no index on what it writes."""

from django.db import migrations

ROOM = "ALTER TABLE hosting_device SET (fillfactor = 60); ALTER TABLE hosting_controller SET (fillfactor = 60);"
NO_ROOM = "ALTER TABLE hosting_device RESET (fillfactor); ALTER TABLE hosting_controller RESET (fillfactor);"


class Migration(migrations.Migration):
    """Drop the index on the last answer of a device, which made every poll rewrite all indexes of its row."""

    dependencies = [("hosting", "0006_points_may_need_no_address")]

    operations = [
        migrations.RemoveIndex(model_name="device", name="device_last_success"),
        migrations.RunSQL(ROOM, NO_ROOM),
    ]
