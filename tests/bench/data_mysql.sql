-- The table of data.sql for MariaDB; ROWS stands where the number of rows goes.
SET NAMES utf8mb4;
SET time_zone = '+00:00';
DROP TABLE IF EXISTS bench;
CREATE TABLE bench (
	id bigint NOT NULL PRIMARY KEY,
	quantity integer NOT NULL,
	name text NOT NULL,
	price decimal(12,2) NOT NULL,
	created_at timestamp(6) NOT NULL,
	due date,
	paid boolean NOT NULL,
	weight double precision,
	city text NOT NULL,
	note text
) CHARACTER SET utf8mb4;
INSERT INTO bench
SELECT seq,
	(seq * 7919) % 100000,
	concat('customer ', (seq * 31) % 500000),
	((seq * 104729) % 100000000) / 100,
	timestamp '2020-01-01 00:00:00' + INTERVAL (seq * 61) SECOND + INTERVAL (seq % 1000000) MICROSECOND,
	date '2020-01-01' + INTERVAL (seq % 3650) DAY,
	seq % 3 = 0,
	sqrt(seq) * 1.37,
	elt(1 + seq % 8, 'Berlin', 'São Paulo', 'København', 'New York', 'Wien', 'Roma', 'Kyoto', 'Lagos'),
	if(seq % 10 = 0, NULL,
		if(seq % 8 = 0, concat('says "hello"\nto row ', seq), concat('an ordinary note of some words for row ', seq)))
FROM seq_1_to_ROWS;
ANALYZE TABLE bench;
