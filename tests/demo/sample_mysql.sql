-- The sample of make demo in MariaDB: what a shop sells.
CREATE TABLE products (
	id int unsigned PRIMARY KEY,
	name varchar(80) NOT NULL COMMENT 'as customers see it',
	price decimal(10, 2) NOT NULL,
	colour enum('red', 'green', 'blue'),
	stock smallint NOT NULL DEFAULT 0,
	details json,
	since date NOT NULL,
	changed_at timestamp(6) NOT NULL DEFAULT current_timestamp(6)
) DEFAULT CHARSET = utf8mb4;

INSERT INTO products (id, name, price, colour, stock, details, since)
SELECT seq, CONCAT('Product ', seq), seq * 1.25, ELT(seq % 4, 'red', 'green', 'blue'), seq % 50,
	JSON_OBJECT('weight', seq % 7, 'tags', JSON_ARRAY('new', CONCAT('lot ', seq % 9))), DATE '2020-01-01' + INTERVAL seq DAY
FROM seq_1_to_1000;
