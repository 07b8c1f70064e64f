# Read by PostgreSQL's image at its first start, on an empty volume: a database and a role for each service, and one
# for the keys.
make() {
  psql --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname postgres \
    --set ON_ERROR_STOP=1 --set name="$1" --set password="$2" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
}
make accounts "$ACCOUNTS_PASSWORD"
make journal "$JOURNAL_PASSWORD"
make reminders "$REMINDERS_PASSWORD"
make content "$CONTENT_PASSWORD"
make keys "$KEYS_PASSWORD"
