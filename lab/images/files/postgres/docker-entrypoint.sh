#!/usr/bin/env bash
# Starts PostgreSQL, and first creates its database if the data folder is empty.
#
# POSTGRES_PASSWORD (required, unless POSTGRES_HOST_AUTH_METHOD=trust), POSTGRES_USER (postgres), POSTGRES_DB (the user's
# name), POSTGRES_INITDB_ARGS, POSTGRES_INITDB_WALDIR and POSTGRES_HOST_AUTH_METHOD (scram-sha-256) configure it; for all
# but the last two, NAME_FILE may name a file with the value instead. *.sh, *.sql and *.sql.gz of
# /docker-entrypoint-initdb.d run once, in the order of their names.
set -euo pipefail

initial=/docker-entrypoint-initdb.d
# A marker in the data folder until the first initialisation is complete.
unfinished="${PGDATA}/.initialisation-unfinished"

from_file() {
    local name="$1" file="${1}_FILE"
    if [[ -n ${!file:-} ]]; then
        if [[ -n ${!name:-} ]]; then
            echo "Both ${name} and ${file} are set; give one of them." >&2
            exit 1
        fi
        printf -v "${name}" '%s' "$(< "${!file}")"
        unset "${file}"
    elif [[ -z ${!name:-} ]]; then
        printf -v "${name}" '%s' "${2:-}"
    fi
    export "${name?}"
}

query() {
    PGHOST='' PGHOSTADDR='' PGPASSWORD="${POSTGRES_PASSWORD}" psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc \
        --username "${POSTGRES_USER}" "$@"
}

run_initial_scripts() {
    local script
    for script in "${initial}"/*; do
        case "${script}" in
            *.sh)
                echo "Running ${script}"
                # As in the official image: a script that is not executable shares this shell.
                # shellcheck disable=SC1090
                if [[ -x ${script} ]]; then "${script}"; else . "${script}"; fi
                ;;
            *.sql)
                echo "Running ${script}"
                query --dbname "${POSTGRES_DB}" --file "${script}"
                ;;
            *.sql.gz)
                echo "Running ${script}"
                gunzip -c "${script}" | query --dbname "${POSTGRES_DB}"
                ;;
        esac
    done
}

initialise() {
    local method="${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}"
    if [[ -z ${POSTGRES_PASSWORD} && ${method} != trust ]]; then
        echo "The database is empty and no superuser password is given: set POSTGRES_PASSWORD." >&2
        exit 1
    fi
    local arguments=(--username="${POSTGRES_USER}" --auth-local=trust --auth-host="${method}")
    if [[ -n ${POSTGRES_PASSWORD} ]]; then
        arguments+=(--pwfile=/dev/fd/3)
    fi
    if [[ -n ${POSTGRES_INITDB_WALDIR:-} ]]; then
        arguments+=(--waldir="${POSTGRES_INITDB_WALDIR}")
    fi
    if [[ -n ${POSTGRES_INITDB_ARGS} ]]; then
        # Options of one variable, quoted as in a shell.
        eval "arguments+=(${POSTGRES_INITDB_ARGS})"
    fi
    initdb --pgdata="${PGDATA}" "${arguments[@]}" 3< <(printf '%s\n' "${POSTGRES_PASSWORD}")
    touch "${unfinished}"
    printf '\nhost all all all %s\n' "${method}" >> "${PGDATA}/pg_hba.conf"

    # No external client may connect before the database is configured: Unix socket only.
    pg_ctl --pgdata="${PGDATA}" --options="-c listen_addresses=''" --wait start
    if [[ ${POSTGRES_DB} != postgres ]]; then
        query --dbname postgres --set db="${POSTGRES_DB}" <<< 'CREATE DATABASE :"db";'
    fi
    run_initial_scripts
    pg_ctl --pgdata="${PGDATA}" --mode=fast --wait stop
    rm "${unfinished}"
    unset PGPASSWORD
    echo "The database is initialised."
}

if [[ ${1:-} == -* ]]; then
    set -- postgres "$@"
fi

if [[ ${1:-} == postgres ]]; then
    # Options that print information, such as --version, start no server.
    for argument in "$@"; do
        case "${argument}" in -\? | --help | --describe-config | -V | --version) exec "$@" ;; esac
    done
    if [[ $(id -u) == 0 ]]; then
        mkdir -p "${PGDATA}"
        chmod 0700 "${PGDATA}"
        chown -R postgres:postgres "${PGDATA}" /var/run/postgresql
        exec setpriv --reuid=postgres --regid=postgres --init-groups env HOME=/var/lib/postgresql "$0" "$@"
    fi
    mkdir -p "${PGDATA}"
    chmod 0700 "${PGDATA}" || true
    if [[ -e ${unfinished} ]]; then
        echo "The first initialisation was interrupted: starting it afresh." >&2
        find "${PGDATA}" -mindepth 1 -delete
    fi
    if [[ ! -s ${PGDATA}/PG_VERSION ]]; then
        from_file POSTGRES_PASSWORD
        from_file POSTGRES_USER postgres
        from_file POSTGRES_DB "${POSTGRES_USER}"
        from_file POSTGRES_INITDB_ARGS
        initialise
    fi
fi

exec "$@"
