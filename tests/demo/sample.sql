-- The shop of `make demo` and of the end-to-end test: every type that sqlextract reads, with its corners.
CREATE TABLE customers (
	id bigint PRIMARY KEY,
	name text NOT NULL,
	email varchar(200),
	vip boolean,
	credit numeric(10, 2),
	born date,
	preferences jsonb,
	token uuid
);
COMMENT ON COLUMN customers.credit IS 'in euros; NULL: none granted';
INSERT INTO customers
SELECT i, 'Customer ' || i || CASE i % 3 WHEN 0 THEN ' é "quoted" \ back' WHEN 1 THEN '' ELSE ' 日本' END,
	CASE WHEN i % 5 > 0 THEN 'c' || i || '@example.com' END, CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END,
	CASE WHEN i % 4 > 0 THEN i * 12.5 END, CASE WHEN i % 6 > 0 THEN date '1950-01-01' + i * 37 END,
	CASE WHEN i % 2 > 0 THEN jsonb_build_object('lang', 'en', 'tags', jsonb_build_array(i, 'x'), 'n', i / 8.0) END,
	md5(i::text)::uuid
FROM generate_series(1, 500) i;

CREATE TABLE orders (
	id bigint PRIMARY KEY,
	customer_id bigint NOT NULL REFERENCES customers,
	amount numeric(12, 2) NOT NULL,
	weight double precision,
	gift real,
	pieces smallint,
	created_at timestamptz NOT NULL,
	shipped_at timestamp,
	slot time
);
INSERT INTO orders
SELECT i, 1 + i % 500, (i * 7919 % 100000) / 100.0, CASE WHEN i % 7 > 0 THEN i / 8.0 END, i / 3.0::real, i % 100,
	timestamptz '2025-01-01 00:00:00+00' + i * interval '1 hour 1.000001 seconds',
	CASE WHEN i % 3 > 0 THEN timestamp '2025-01-02 03:04:05.678901' + i * interval '1 day' END,
	time '00:00:00' + i % 86400 * interval '1 second'
FROM generate_series(1, 5000) i;

CREATE TABLE events (id bigint, happened_at timestamptz NOT NULL, kind text NOT NULL, payload bytea, n integer)
	PARTITION BY RANGE (happened_at);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO events
SELECT CASE i WHEN 1 THEN 9223372036854775807 WHEN 2 THEN -9223372036854775808 ELSE i END,
	timestamptz '2025-06-01 00:00:00+00' + i * interval '6 hours', (ARRAY['view', 'click', 'buy'])[1 + i % 3],
	decode(md5(i::text), 'hex'), i
FROM generate_series(1, 1000) i;
