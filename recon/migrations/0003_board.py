import django.db.models.deletion
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

#: What a search for a part of a name asks: ``icontains`` compares in capitals. SQLite has no such index and reads the names.
_BY_PART = "CREATE INDEX variance_by_part_of_name ON recon_variance USING gin (upper(name) gin_trgm_ops)"


def index_parts_of_names(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_BY_PART)
        schema_editor.execute("ANALYZE recon_variance")  # what an index of an expression holds is not known before


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX variance_by_part_of_name")


class Migration(migrations.Migration):

    dependencies = [
        ('recon', '0002_review'),
    ]

    operations = [
        migrations.CreateModel(
            name='Board',
            fields=[
                ('reconciliation', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='board', serialize=False, to='recon.reconciliation')),
                ('run', models.PositiveIntegerField()),
                ('groups', models.JSONField(default=list)),
            ],
        ),
        TrigramExtension(),
        migrations.RunPython(index_parts_of_names, drop_index, elidable=False),
    ]
