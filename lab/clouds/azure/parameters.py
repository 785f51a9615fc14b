"""Server parameters of PostgreSQL Flexible Server, as `Configuration` resources set them.

A selection: parameters that stacks for Airflow set or may set. All others are refused as unknown, as the
service does with parameters that do not exist. Facts from "Server parameters in Azure Database for PostgreSQL". That
connections and disconnections are always logged, and not to be set, is from MicrosoftDocs/azure-docs, June 2024:
articles/postgresql/flexible-server/includes/server-parameters-table-16-reporting-and-logging---what-to-log.md. The
table for PostgreSQL 18 of December 2025 lets them be set; this is the stricter of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_SWITCH: Final = "on,off"
_ANY_MILLISECONDS: Final = "0-2147483647"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One server parameter, as described by the API."""

    data_type: str
    """Boolean, Enumeration, Integer, Numeric, Set or String."""
    allowed: str
    """Values or words with commas between, `low-high` for numbers, a pattern for strings."""
    default: str
    dynamic: bool = True
    """Whether a change needs no restart."""
    read_only: bool = False

    def accepts(self, value: str) -> bool:
        """Whether the service accepts this value."""
        match self.data_type:
            case "Boolean" | "Enumeration":
                return value.lower() in self.allowed.lower().split(",")
            case "Set":
                allowed = {each.strip().lower() for each in self.allowed.split(",")}
                return value == "" or {each.strip().lower() for each in value.split(",")} <= allowed
            case "Integer" | "Numeric":
                return _between(value, self.allowed, whole=self.data_type == "Integer")
            case _:
                return True


def _between(value: str, limits: str, *, whole: bool) -> bool:
    low, _, high = limits.rpartition("-")
    try:
        number = int(value) if whole else float(value)
    except ValueError:
        return False
    return float(low) <= number <= float(high)


def _boolean(default: str, *, dynamic: bool = True, read_only: bool = False) -> Parameter:
    return Parameter(data_type="Boolean", allowed=_SWITCH, default=default, dynamic=dynamic, read_only=read_only)


def _integer(limits: str, default: str, *, dynamic: bool = True) -> Parameter:
    return Parameter(data_type="Integer", allowed=limits, default=default, dynamic=dynamic)


def _choice(words: str, default: str, *, dynamic: bool = True) -> Parameter:
    return Parameter(data_type="Enumeration", allowed=words, default=default, dynamic=dynamic)


_EXTENSIONS: Final = "btree_gin,btree_gist,citext,hstore,pg_stat_statements,pg_trgm,pgaudit,pgcrypto,uuid-ossp"
_LIBRARIES: Final = "auto_explain,pg_cron,pg_stat_statements,pgaudit,wal2json"
_LEVELS: Final = "debug5,debug4,debug3,debug2,debug1,info,notice,warning,error,log,fatal,panic"  # in PostgreSQL's order

PARAMETERS: Final = {
    "autovacuum": _boolean("on"),
    "autovacuum_naptime": _integer("1-2147483", "60"),
    "azure.accepted_password_auth_method": Parameter(
        data_type="Set", allowed="md5,scram-sha-256", default="md5,scram-sha-256"
    ),
    "azure.extensions": Parameter(data_type="Set", allowed=_EXTENSIONS, default=""),
    "client_min_messages": _choice("debug5,debug4,debug3,debug2,debug1,log,notice,warning,error", "notice"),
    "connection_throttle.enable": _boolean("off"),
    "deadlock_timeout": _integer("1-2147483647", "1000"),
    "effective_cache_size": _integer("1-2147483647", "196608"),
    "idle_in_transaction_session_timeout": _integer(_ANY_MILLISECONDS, "0"),
    "idle_session_timeout": _integer(_ANY_MILLISECONDS, "0"),
    "lock_timeout": _integer(_ANY_MILLISECONDS, "0"),
    "log_checkpoints": _boolean("on"),
    "log_connections": _boolean("on", read_only=True),
    "log_disconnections": _boolean("on", read_only=True),
    "log_duration": _boolean("off"),
    "log_lock_waits": _boolean("off"),
    "log_min_duration_statement": _integer("-1-2147483647", "-1"),
    "log_min_error_statement": _choice(_LEVELS, "error"),
    "log_min_messages": _choice(_LEVELS, "warning"),
    "log_statement": _choice("none,ddl,mod,all", "none"),
    "log_temp_files": _integer("-1-2147483647", "-1"),
    "logfiles.download_enable": _boolean("off"),
    "logfiles.retention_days": _integer("1-7", "3"),
    "maintenance_work_mem": _integer("1024-2097151", "99328"),
    "max_connections": _integer("25-5000", "859", dynamic=False),
    "max_wal_senders": _integer("5-100", "10", dynamic=False),
    "metrics.collector_database_activity": _boolean("off"),
    "password_encryption": _choice("md5,scram-sha-256", "scram-sha-256"),
    "pg_qs.query_capture_mode": _choice("top,all,none", "none"),
    "pgaudit.log": Parameter(data_type="Set", allowed="none,read,write,function,role,ddl,misc,all", default="none"),
    "pgaudit.log_catalog": _boolean("on"),
    "pgaudit.log_parameter": _boolean("off"),
    "pgbouncer.default_pool_size": _integer("1-4950", "50"),
    "pgbouncer.enabled": Parameter(data_type="Boolean", allowed="true,false", default="false"),
    "pgbouncer.max_client_conn": _integer("1-50000", "5000"),
    "pgbouncer.pool_mode": _choice("session,transaction,statement", "transaction"),
    "require_secure_transport": _boolean("on"),
    "row_security": _boolean("on"),
    "shared_buffers": _integer("16-1073741823", "196608", dynamic=False),
    "shared_preload_libraries": Parameter(
        data_type="Set", allowed=_LIBRARIES, default="pg_cron,pg_stat_statements", dynamic=False
    ),
    "ssl": _boolean("on", read_only=True),
    "ssl_max_protocol_version": _choice("TLSv1.2,TLSv1.3", "TLSv1.3"),
    "ssl_min_protocol_version": _choice("TLSv1.2,TLSv1.3", "TLSv1.2"),
    "statement_timeout": _integer(_ANY_MILLISECONDS, "0"),
    "tcp_keepalives_count": _integer("0-2147483647", "9"),
    "tcp_keepalives_idle": _integer("0-2147483647", "120"),
    "tcp_keepalives_interval": _integer("0-2147483647", "30"),
    "timezone": Parameter(data_type="String", allowed="[A-Za-z0-9/+-]+", default="UTC"),
    "track_io_timing": _boolean("off"),
    "wal_level": _choice("replica,logical", "replica", dynamic=False),
    "work_mem": _integer("4096-2097151", "4096"),
}
"""By name. The default of `max_connections` follows the size of the server."""
