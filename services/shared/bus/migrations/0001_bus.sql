-- Events between services, as one service's database sees them: what it has to tell, what it has told,
-- what it has been told. Event bodies hold ids, kinds and numbers, never private text.

-- outbox: queue. What has happened here and is not yet with the broker.
-- id: PLAIN the event
-- key: PLAIN routing key
-- aggregate_id: PLAIN what the event is about
-- version: PLAIN of the aggregate
-- time: PLAIN when it happened
-- traceparent: PLAIN W3C trace context of the producer
-- body: SENSITIVE protobuf
-- leased_until: PLAIN a relay is busy with it until then
CREATE TABLE bus.outbox (
    id uuid PRIMARY KEY,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    aggregate_id uuid NOT NULL,
    version bigint NOT NULL,
    time timestamptz NOT NULL,
    traceparent text,
    body bytea NOT NULL CHECK (length(body) <= 262144),
    leased_until timestamptz
-- Every row is updated once and deleted: room for the update on its own page, and a vacuum that comes early.
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- log: queue. What the broker has confirmed, one partition a day (UTC), kept 30 days.
-- id: PLAIN the event
-- key: PLAIN routing key
-- aggregate_id: PLAIN what the event is about
-- version: PLAIN of the aggregate
-- time: PLAIN when it happened
-- traceparent: PLAIN W3C trace context of the producer
-- body: SENSITIVE protobuf
-- published_at: PLAIN when the broker had it for certain
CREATE TABLE bus.log (
    id uuid NOT NULL,
    key text NOT NULL,
    aggregate_id uuid NOT NULL,
    version bigint NOT NULL,
    time timestamptz NOT NULL,
    traceparent text,
    body bytea NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (id, published_at)
) PARTITION BY RANGE (published_at);

-- inbox: queue. Which events a consumer has taken over (handled, or moved to inbox_retry), kept 40 days.
-- consumer: PLAIN name of the consumer
-- event_id: PLAIN the event
-- received_at: PLAIN when it was taken over
CREATE TABLE bus.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_received_at ON bus.inbox USING brin (received_at);

-- inbox_retry: queue. Events whose handler failed: waiting for another attempt, or dead until somebody replays them.
-- consumer: PLAIN name of the consumer
-- event_id: PLAIN the event
-- key: PLAIN routing key
-- aggregate_id: PLAIN what the event is about
-- version: PLAIN of the aggregate
-- time: PLAIN when it happened
-- traceparent: PLAIN W3C trace context of the producer
-- body: SENSITIVE protobuf
-- attempts: PLAIN how often the handler failed
-- next_at: PLAIN not before then
-- reason: PLAIN kind of the last failure, never its text
-- dead_at: PLAIN since when nobody tries any more
CREATE TABLE bus.inbox_retry (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    key text NOT NULL,
    aggregate_id uuid NOT NULL,
    version bigint NOT NULL,
    time timestamptz NOT NULL,
    traceparent text,
    body bytea NOT NULL,
    attempts integer NOT NULL,
    next_at timestamptz NOT NULL,
    reason text NOT NULL,
    dead_at timestamptz,
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_retry_due ON bus.inbox_retry (consumer, next_at) WHERE dead_at IS NULL;

-- Makes the log's partition for the day (UTC) of an instant, if there is none.
CREATE FUNCTION bus.make_log_partition(at timestamptz) RETURNS void LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
    day date := (at AT TIME ZONE 'UTC')::date;
    name text := 'log_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF to_regclass('bus.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    -- Two replicas that make the same partition would otherwise collide in the catalogue.
    PERFORM pg_advisory_xact_lock(hashtext('bus.log'));
    EXECUTE format('CREATE TABLE IF NOT EXISTS bus.%I PARTITION OF bus.log FOR VALUES FROM (%L) TO (%L)',
        name, day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00');
END $$;

-- Drops the log's partitions of days (UTC) that ended before an instant; says how many.
CREATE FUNCTION bus.drop_log_partitions(before timestamptz) RETURNS integer LANGUAGE plpgsql SET lock_timeout = '5s' AS $$
DECLARE
    name text;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('bus.log'));
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'bus.log'::regclass
          AND c.relname < 'log_' || to_char((before AT TIME ZONE 'UTC')::date, 'YYYYMMDD')
    LOOP
        EXECUTE format('DROP TABLE bus.%I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
