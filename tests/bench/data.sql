-- The table that `make bench` reads: :rows rows (psql -v rows=2000000) of ten
-- mixed columns, the same on every run. Values vary in length as real ones do;
-- every tenth note is NULL, and one in eight has bytes that JSON must escape.
DROP TABLE IF EXISTS bench;
CREATE TABLE bench (
	id bigint NOT NULL,
	quantity integer NOT NULL,
	name text NOT NULL,
	price numeric(12,2) NOT NULL,
	created_at timestamptz NOT NULL,
	due date,
	paid boolean NOT NULL,
	weight double precision,
	city text NOT NULL,
	note text
);
INSERT INTO bench
SELECT i,
	(i * 7919) % 100000,
	'customer ' || (i * 31) % 500000,
	((i * 104729) % 100000000)::numeric / 100,
	timestamptz '2020-01-01 00:00:00+00' + i * 61 * interval '1 second' + (i % 1000000) * interval '1 microsecond',
	date '2020-01-01' + (i % 3650)::integer,
	i % 3 = 0,
	sqrt(i::double precision) * 1.37,
	(ARRAY['Berlin', 'São Paulo', 'København', 'New York', 'Wien', 'Roma', 'Kyoto', 'Lagos'])[1 + i % 8],
	CASE WHEN i % 10 = 0 THEN NULL
		WHEN i % 8 = 0 THEN 'says "hello"' || E'\n' || 'to row ' || i
		ELSE 'an ordinary note of some words for row ' || i END
FROM generate_series(1::bigint, :rows) AS i;
ALTER TABLE bench ADD PRIMARY KEY (id);
ANALYZE bench;
