"""What the database itself refuses: to change a signed revision, what it rests on, or any audit event.

Installed after every migration, on SQLite and PostgreSQL alike, because a table that SQLite rebuilds loses its triggers.
"""

from __future__ import annotations

from typing import Final

from django.db.backends.base.base import BaseDatabaseWrapper

_SIGNED: Final = "EXISTS (SELECT 1 FROM recon_reconciliation r WHERE r.id = {row}.reconciliation_id AND r.state = 'signed')"
_SEALED_FILE: Final = "EXISTS (SELECT 1 FROM recon_signedinput s WHERE s.source_file_id = {row}.{column})"
_OF_A_REVISION: Final = (
    "recon_variance", "recon_reconcilingitem", "recon_rowdecision", "recon_settledrow", "recon_signedinput", "recon_decision",
    "recon_certification", "recon_tieoutitem", "recon_signedtieout",
)  # fmt: skip
_SEALED: Final = "a signed revision never changes"
_OF_A_FILE: Final = (
    ("ingest_usageline", "source_file_id"),
    ("ingest_rejectedline", "source_file_id"),
    ("ingest_sourcerow", "source_file_id"),
    ("ingest_priceline", "source_file_id"),
)
_FILE_SEALED: Final = "the lines of a signed month never change"
#: A note is of a cycle: what a signature has seen of it stays, and the next revision may still resolve or withdraw it.
_SEEN_NOTE: Final = """EXISTS (SELECT 1 FROM recon_reconciliation r
    WHERE r.cycle_id = {row}.cycle_id AND r.state = 'signed' AND r.signed_at >= {row}.{column})"""
_NOTE_CHANGED: Final = "(" + " OR ".join(
    f"OLD.{name} <> NEW.{name}" for name in ("cycle_id", "organization_id", "product", "author_id", "text", "is_open", "created_at")
) + ")"  # fmt: skip
_NOTE_SEALED: Final = "what a signature has seen of a note never changes"
#: Never emptied at once, either, while anything is signed (PostgreSQL's TRUNCATE passes by the triggers of rows).
_NEVER_EMPTIED: Final = ("accounts_auditevent", "recon_reconciliation", *_OF_A_REVISION, *(table for table, _ in _OF_A_FILE))
_APPEND_ONLY: Final = "audit events are only ever appended"
#: A version of a contract only ever ends, once.
_VERSION_CHANGED: Final = "OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL OR " + " OR ".join(
    f"COALESCE(CAST(OLD.{name} AS text), '') <> COALESCE(CAST(NEW.{name} AS text), '')"
    for name in (
        "id", "contract_id", "number", "support_type", "minimum", "interval", "start", "renewal", "auto_renew", "unit_cost", "why", "by_id",
        "at",
    )
)  # fmt: skip
_VERSION_KEPT: Final = "a version of a contract never changes"


def _rules() -> list[tuple[str, str, str, str, str]]:
    """Name, table, event, condition and message of each trigger. ``OLD`` and ``NEW`` as both databases spell them."""
    rules = [
        ("sealed_revision_update", "recon_reconciliation", "UPDATE", "OLD.state = 'signed'", _SEALED),
        ("sealed_revision_delete", "recon_reconciliation", "DELETE", "OLD.state = 'signed'", _SEALED),
        ("audit_update", "accounts_auditevent", "UPDATE", "1 = 1", _APPEND_ONLY),
        ("audit_delete", "accounts_auditevent", "DELETE", "1 = 1", _APPEND_ONLY),
        ("tolerance_update", "recon_tolerancerow", "UPDATE", "1 = 1", "a version of tolerances never changes"),
        ("tolerance_delete", "recon_tolerancerow", "DELETE", "1 = 1", "a version of tolerances never changes"),
        ("policy_update", "recon_tolerancepolicy", "UPDATE", "1 = 1", "a version of tolerances never changes"),
        ("policy_delete", "recon_tolerancepolicy", "DELETE", "1 = 1", "a version of tolerances never changes"),
        ("contract_version_update", "accounts_contractversion", "UPDATE", _VERSION_CHANGED, _VERSION_KEPT),
        ("contract_version_delete", "accounts_contractversion", "DELETE", "1 = 1", _VERSION_KEPT),
        ("contract_step_update", "accounts_contractstep", "UPDATE", "1 = 1", _VERSION_KEPT),
        ("contract_step_delete", "accounts_contractstep", "DELETE", "1 = 1", _VERSION_KEPT),
    ]
    for table in _OF_A_REVISION:
        for event in ("INSERT", "UPDATE", "DELETE"):
            row = "OLD" if event == "DELETE" else "NEW"
            condition = _SIGNED.format(row=row)
            if event == "UPDATE":
                condition = f"{_SIGNED.format(row='OLD')} OR {condition}"
            rules.append((f"sealed_{table.removeprefix('recon_')}_{event.lower()}", table, event, condition, _SEALED))
    for table, column in _OF_A_FILE:
        for event in ("INSERT", "UPDATE", "DELETE"):
            condition = _SEALED_FILE.format(row="NEW" if event == "INSERT" else "OLD", column=column)
            if event == "UPDATE":
                condition = f"{condition} OR {_SEALED_FILE.format(row='NEW', column=column)}"
            rules.append((f"sealed_{table.removeprefix('ingest_')}_{event.lower()}", table, event, condition, _FILE_SEALED))
    rules.append(("sealed_file_delete", "ingest_sourcefile", "DELETE", _SEALED_FILE.format(row="OLD", column="id"), _FILE_SEALED))
    changed = "(NEW.sha256 <> OLD.sha256 OR NEW.kind <> OLD.kind OR NEW.account_id <> OLD.account_id OR NEW.state <> OLD.state)"
    condition = f"{changed} AND {_SEALED_FILE.format(row='OLD', column='id')}"
    rules.append(("sealed_file_update", "ingest_sourcefile", "UPDATE", condition, _FILE_SEALED))
    seen, ended = _SEEN_NOTE.format(row="OLD", column="created_at"), []
    for name in ("resolved_at", "withdrawn_at"):
        moved = f"COALESCE(CAST(OLD.{name} AS text), '') <> COALESCE(CAST(NEW.{name} AS text), '')"
        was_seen, would_be = (_SEEN_NOTE.format(row=row, column=name) for row in ("OLD", "NEW"))
        ended.append(f"({moved} AND ({was_seen} OR {would_be}))")
    rules += [
        ("sealed_note_insert", "recon_note", "INSERT", _SEEN_NOTE.format(row="NEW", column="created_at"), _NOTE_SEALED),
        ("sealed_note_update", "recon_note", "UPDATE", f"({seen} AND {_NOTE_CHANGED}) OR {' OR '.join(ended)}", _NOTE_SEALED),
        ("sealed_note_delete", "recon_note", "DELETE", seen, _NOTE_SEALED),
    ]
    return rules


def _replaced() -> list[tuple[str, str, str, str, str]]:
    """SQLite's ``INSERT OR REPLACE`` deletes without asking the triggers: an insertion may not take the place of what is sealed."""
    signed = "EXISTS (SELECT 1 FROM recon_reconciliation r WHERE r.id = o.reconciliation_id AND r.state = 'signed')"
    sealed = "EXISTS (SELECT 1 FROM recon_signedinput s WHERE s.source_file_id = o.{column})"
    taken = "EXISTS (SELECT 1 FROM {table} o WHERE o.id = NEW.id AND {is_sealed})"
    tables = [
        ("accounts_auditevent", "1 = 1", _APPEND_ONLY),
        ("recon_tolerancerow", "1 = 1", "a version of tolerances never changes"),
        ("recon_tolerancepolicy", "1 = 1", "a version of tolerances never changes"),
        ("accounts_contractversion", "1 = 1", _VERSION_KEPT),
        ("accounts_contractstep", "1 = 1", _VERSION_KEPT),
        *((table, signed, _SEALED) for table in _OF_A_REVISION),
        *((table, sealed.format(column=column), _FILE_SEALED) for table, column in (*_OF_A_FILE, ("ingest_sourcefile", "id"))),
    ]
    rules = [(f"replaced_{table}", table, "INSERT", taken.format(table=table, is_sealed=s), said) for table, s, said in tables]
    same = "(o.id = NEW.id OR (o.cycle_id = NEW.cycle_id AND o.revision = NEW.revision))"
    revision = f"EXISTS (SELECT 1 FROM recon_reconciliation o WHERE o.state = 'signed' AND {same})"  # noqa: S608
    return [*rules, ("replaced_recon_reconciliation", "recon_reconciliation", "INSERT", revision, _SEALED)]


def install(connection: BaseDatabaseWrapper) -> None:
    """Make every trigger anew. Raises LookupError for a database that this does not know."""
    statements = {"sqlite": _sqlite, "postgresql": _postgresql}.get(connection.vendor)
    if statements is None:
        raise LookupError(f"no triggers are written for {connection.vendor}")
    tables = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for name, table, event, condition, message in _rules_of(connection):
            if table in tables:
                for statement in statements(name, table, event, condition, message):
                    cursor.execute(statement)


def _rules_of(connection: BaseDatabaseWrapper) -> list[tuple[str, str, str, str, str]]:
    if connection.vendor == "sqlite":
        return [*_rules(), *_replaced()]
    anything = "EXISTS (SELECT 1 FROM recon_reconciliation WHERE state = 'signed')"
    emptied = [(f"emptied_{table}", table, "TRUNCATE", anything, _SEALED) for table in _NEVER_EMPTIED]
    return [*_rules(), *emptied]


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take every trigger away: before SQLite's tables are rebuilt, and for the emptying of a test's database; for nothing else."""
    with connection.cursor() as cursor:
        for name, table, *_ in _rules_of(connection):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if connection.vendor == "postgresql" else ""))


def _sqlite(name: str, table: str, event: str, condition: str, message: str) -> list[str]:
    return [
        f"DROP TRIGGER IF EXISTS {name}",
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{name}: {message}'); END",
    ]


def _postgresql(name: str, table: str, event: str, condition: str, message: str) -> list[str]:
    """Rows are looked at one by one, but inserted ones together: a COPY of many would ask once for each."""
    back, when, each = ("OLD" if event == "DELETE" else "NEW"), "BEFORE", "FOR EACH ROW"
    if event == "INSERT":
        back, when, each = "NULL", "AFTER", "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
        condition = f"EXISTS (SELECT 1 FROM added WHERE {condition.replace('NEW.', 'added.')})"  # noqa: S608
    if event == "TRUNCATE":
        back, each = "NULL", "FOR EACH STATEMENT"
    return [
        f"""CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {condition} THEN RAISE EXCEPTION '{name}: {message}' USING ERRCODE = 'integrity_constraint_violation'; END IF;
            RETURN {back};
        END $$""",
        f"DROP TRIGGER IF EXISTS {name} ON {table}",
        f"CREATE TRIGGER {name} {when} {event} ON {table} {each} EXECUTE FUNCTION {name}()",
    ]
