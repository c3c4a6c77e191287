-- Every type of MySQL and MariaDB, each with its extremes, for tests/bats/every_type_mysql.bats.
-- A table per family, each with a key `id`; mysql.spec says what its columns become.
SET NAMES utf8mb4;
SET time_zone = '+00:00';
SET sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE';
CREATE DATABASE types CHARACTER SET utf8mb4;
USE types;

-- --- numbers ----------------------------------------------------------------------

CREATE TABLE integers (id int PRIMARY KEY, i1 tinyint, i2 smallint, i3 mediumint, i4 int, i8 bigint, u1 tinyint unsigned, u2 smallint unsigned, u3 mediumint unsigned,
	u4 int unsigned, u8 bigint unsigned, b bool, z int(10) unsigned ZEROFILL, z8 bigint(20) ZEROFILL, y year, u8_required bigint unsigned NOT NULL);
INSERT INTO integers VALUES
	(1, -128, -32768, -8388608, -2147483648, -9223372036854775808, 0, 0, 0, 0, 0, false, 0, 0, 0, 0),
	(2, 127, 32767, 8388607, 2147483647, 9223372036854775807, 255, 65535, 16777215, 4294967295, 18446744073709551615, true, 4294967295, 18446744073709551615, 2155, 18446744073709551615),
	(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1),
	(4, 0, 0, 0, 0, 0, 127, 32767, 8388607, 2147483647, 9223372036854775807, 127, 1, 1, 1901, 9223372036854775807),
	(5, -1, -1, -1, -1, -1, 128, 32768, 8388608, 2147483648, 9223372036854775808, -128, 42, 9223372036854775808, 1970, 9223372036854775808),
	(6, -127, -32767, -8388607, -2147483647, -9223372036854775807, 254, 65534, 16777214, 4294967294, 18446744073709551614, 2, 4294967294, 18446744073709551614, 2154, 18446744073709551614),
	(7, 126, 32766, 8388606, 2147483646, 9223372036854775806, 1, 1, 1, 1, 1, -1, 10, 10, 2026, 9007199254740993),
	(8, 1, 1, 1, 1, 9007199254740991, 9, 99, 999, 9999, 9007199254740991, 0, 99, 99, 1999, 2),
	(9, 10, 100, 1000, 1000000, 9007199254740992, 10, 100, 1000, 10000, 9007199254740992, 0, 100, 100, 2000, 3),
	(10, 99, 999, 9999, 99999, -9007199254740993, 10, 100, 1000, 10000, 9007199254740993, 0, 100, 100, 2069, 3);

-- A float's text is kept beside it: the server itself prints six digits of it.
CREATE TABLE floats (id int PRIMARY KEY, f float, f_text varchar(30), d double, f7_3 float(7,3), d10_2 double(10,2), fu float unsigned, r real, f53 float(53));
INSERT INTO floats VALUES
	(1, 0, '0', 0, 0, 0, 0, 0, 0), (2, 0.5, '0.5', -0.5, 0, 0, 0, 0, 0), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(4, 3.4028234663852886e38, '3.4028235e38', 1.7976931348623157e308, 9999.999, 99999999.99, 3.4028e38, 1.7976931348623155e308, 1e308),
	(5, -3.4028234663852886e38, '-3.4028235e38', -1.7976931348623157e308, -9999.999, -99999999.99, 0, -1e308, -1e308),
	(6, 1.4e-45, '1e-45', 4.9406564584124654e-324, 0.001, 0.01, 0.5, 5e-324, 1e-300),
	(7, -1.4e-45, '-1e-45', -4.9406564584124654e-324, -0.001, -0.01, 0.5, 2.2250738585072014e-308, 2.225073858507201e-308),
	(8, 1.17549435e-38, '1.1754944e-38', 2.2250738585072014e-308, 1.5, 1.5, 1.5, 1.5, 1.5),
	(9, 0.1, '0.1', 0.1, 0.1, 0.1, 0.25, 0.1, 0.1), (10, 16777216, '16777216', 0.30000000000000004, 123.456, 0.3, 65536, 1e22, 1e23),
	(11, 16777217, '16777216', 9007199254740993, 1, 1, 1, 123456789012345680, 1e15), (12, 1234567, '1234567', 1e16, 1, 1, 1, 1e21, 1e-7),
	(13, 0.33333334, '0.33333334', 0.3333333333333333, 1, 1, 1, 1, 1), (14, 1e10, '1e10', 1e10, 1, 1, 1, 1, 1), (15, 123456.79, '123456.79', 123456.789, 1, 1, 1, 1, 1);

CREATE TABLE decimals (id int PRIMARY KEY, d1 decimal(1), d10_2 decimal(10,2), d38_9 decimal(38,9), d29 decimal(29), d9_9 decimal(9,9), d39_10 decimal(39,10), d30 decimal(30), d38 decimal(38),
	d38_38 decimal(38,38), d65_30 decimal(65,30), d65_27 decimal(65,27), d65_26 decimal(65,26), d65 decimal(65), d39 decimal(39), d39_1 decimal(39,1), du decimal(10,2) unsigned, dz decimal(10,2) ZEROFILL, d decimal,
	d65_38 decimal(65,38), d47_9 decimal(38,10));
INSERT INTO decimals (id) VALUES (1);
INSERT INTO decimals
SELECT IF(sign > 0, 2, 3), sign * 9, sign * 99999999.99, sign * 99999999999999999999999999999.999999999, sign * 99999999999999999999999999999, sign * 0.999999999, sign * 99999999999999999999999999999.9999999999,
	sign * 999999999999999999999999999999, sign * 99999999999999999999999999999999999999, sign * 0.99999999999999999999999999999999999999,
	sign * 99999999999999999999999999999999999.999999999999999999999999999999, sign * 99999999999999999999999999999999999999.999999999999999999999999999,
	sign * 999999999999999999999999999999999999999.99999999999999999999999999, sign * 99999999999999999999999999999999999999999999999999999999999999999, sign * 999999999999999999999999999999999999999,
	sign * 99999999999999999999999999999999999999.9, 99999999.99, 99999999.99, sign * 9999999999,
	sign * 999999999999999999999999999.99999999999999999999999999999999999999, sign * 9999999999999999999999999999.9999999999
FROM (SELECT 1 AS sign UNION ALL SELECT -1) AS signs;
INSERT INTO decimals VALUES
	(4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	(5, 1, 0.01, 0.000000001, 1, 0.000000001, 1e-10, 1, 1, 1e-38, 1e-30, 1e-27, 1e-26, 1, 1, 0.1, 0.01, 0.01, 1, 1e-38, 1e-10),
	(6, -1, -0.01, -0.000000001, -1, -0.000000001, -1e-10, -1, -1, -1e-38, -1e-30, -1e-27, -1e-26, -1, -1, -0.1, 1, 1, -1, -1e-38, -1e-10),
	(7, 5, 1.50, 100, 1000000000, 0.1, 10000000000, 10, 100, 0.5, 1.1, 1000000000, 1e9, 1e9, 1e9, 1e9, 1.10, 1.10, 1000, 1.1, 1);

CREATE TABLE bits (id int PRIMARY KEY, b1 bit, b2 bit(2), b8 bit(8), b9 bit(9), b53 bit(53), b54 bit(54), b63 bit(63), b64 bit(64), b64_required bit(64) NOT NULL);
INSERT INTO bits VALUES (1, b'0', 0, 0, 0, 0, 0, 0, 0, 0), (2, b'1', 3, 255, 511, 9007199254740991, 18014398509481983, 9223372036854775807, 18446744073709551615, 18446744073709551615),
	(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1), (4, 1, 2, 128, 256, 1, 9007199254740993, 9007199254740993, 9223372036854775808, 9223372036854775808);

-- --- text and bytes ------------------------------------------------------------------

CREATE TABLE texts (id int PRIMARY KEY, c char(10), c0 char(0), c255 char(255), v varchar(100), v0 varchar(0), t1 tinytext, t text, t3 mediumtext, t4 longtext,
	e enum('', 'small', 'it''s "ok"', 'très 😀', 'a,b'), s set('a', 'b', 'c"d', 'é'), u uuid, ip4 inet4, ip6 inet6, binary_collation varchar(20) COLLATE utf8mb4_bin);
INSERT INTO texts VALUES
	(1, '', '', '', '', '', '', '', '', '', '', '', '00000000-0000-0000-0000-000000000000', '0.0.0.0', '::', ''),
	(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(3, '0123456789', '', REPEAT('😀', 255), REPEAT('é', 100), '', REPEAT('x', 255), REPEAT('y', 65535), REPEAT('long " \\ 😀 ', 20000), REPEAT(x'01', 50000), 'it''s "ok"', 'a,b,c"d,é',
		'ffffffff-ffff-ffff-ffff-ffffffffffff', '255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'A'),
	(4, 'abc', '', '漢字', 'quote " backslash \\ slash / tab \t newline \n return \r nul \0 sub \Z bs \b', '', '\0', '\\\\\\"', '</script>', '{"@end":{"rows":1}}', 'très 😀', 'b', '12345678-9abc-4ef0-9234-56789abcdef0', '10.0.0.1', '::ffff:1.2.3.4', 'trail  '),
	(5, ' lead', '', ' ', '  both  ', '', 'null', 'true', '00123', '1e5', 'a,b', 'é', '00000000-0000-1000-8000-000000000001', '127.0.0.1', '::1', ' '),
	(6, '1', '', '\\', CONVERT(x'E280A8E280A9EFBBBFEFBFBDC2A0E2808BF48FBFBFEFBFBF' USING utf8mb4), '', CONVERT(x'EE8080F3B08080' USING utf8mb4), 'é 漢字 👨‍👩‍👧 é', '"', '''', 'small', '', '01020304-0506-1708-890a-0b0c0d0e0f10', '1.2.3.4', '2001:db8::', '\t');
INSERT INTO texts (id, t) SELECT 100 + seq, REPEAT('x', seq) FROM seq_0_to_70;
INSERT INTO texts (id, t) SELECT 200, GROUP_CONCAT(CHAR(seq USING utf8mb4) ORDER BY seq SEPARATOR '') FROM seq_0_to_127;

CREATE TABLE bytes (id int PRIMARY KEY, b1 binary, b10 binary(10), b255 binary(255), v varbinary(1000), t1 tinyblob, t blob, t3 mediumblob, t4 longblob);
INSERT INTO bytes VALUES
	(1, '', '', '', '', '', '', '', ''), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(3, x'ff', x'00ff', REPEAT(x'ff', 255), REPEAT(x'00', 1000), REPEAT(x'fe', 255), REPEAT(x'0a', 65535), REPEAT(x'00ff80', 100000), REPEAT(x'0123456789abcdef', 20000)),
	(4, x'00', '0123456789', 'abc ', 'text "é"', x'80', x'c328', x'f0', x'7f');
INSERT INTO bytes (id, v) SELECT 100 + seq, REPEAT(x'ab', seq) FROM seq_0_to_70;
INSERT INTO bytes (id, t) SELECT 200, UNHEX(GROUP_CONCAT(LPAD(HEX(seq), 2, '0') ORDER BY seq SEPARATOR '')) FROM seq_0_to_255;

-- --- dates and times -------------------------------------------------------------------

CREATE TABLE times (id int PRIMARY KEY, d date, t time, t1 time(1), t6 time(6), dt datetime, dt3 datetime(3), dt6 datetime(6), ts timestamp NULL, ts3 timestamp(3) NULL, ts6 timestamp(6) NULL, ts_required timestamp(6) NOT NULL DEFAULT '2026-01-31 10:00:00');
INSERT INTO times VALUES
	(1, '0001-01-01', '00:00:00', '00:00:00', '00:00:00', '0001-01-01', '0001-01-01', '0001-01-01', '1970-01-01 00:00:01', '1970-01-01 00:00:01', '1970-01-01 00:00:01', '1970-01-01 00:00:01.000001'),
	(2, '9999-12-31', '23:59:59', '23:59:59.9', '23:59:59.999999', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07', '2038-01-19 03:14:07.999', '2038-01-19 03:14:07.999999', '2038-01-19 03:14:07.999999'),
	(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2000-01-01'),
	(4, '1969-12-31', '00:00:01', '00:00:00.1', '00:00:00.000001', '1969-12-31 23:59:59', '1969-12-31 23:59:59.999', '1969-12-31 23:59:59.999999', '2026-03-29 02:30:00', '2026-10-25 01:30:00.5', '2026-10-25 00:30:00.000010', '2026-03-29 01:59:59.999999'),
	(5, '1970-01-01', '12:34:56', '12:34:56.7', '12:34:56.7', '1970-01-01', '1970-01-01 00:00:00.001', '1970-01-01 00:00:00.000001', '2000-02-29', '2000-02-29', '2000-02-29 12:00:00.1', '2000-02-29'),
	(6, '2000-02-29', '10:00:00', '10:00:00', '10:00:00.000010', '1900-02-28 12:00:00', '1582-10-10 10:10:10.1', '1582-10-10 10:10:10.101010', '2001-09-09 01:46:40', '2001-09-09 01:46:39.9', '2001-09-09 01:46:39.999999', '2001-09-09 01:46:40'),
	(7, '1582-10-10', '01:02:03', '01:02:03.4', '01:02:03.456789', '0004-02-29 23:59:59', '9999-12-30', '0001-01-01 00:00:00.000001', '1999-12-31 23:59:59', '1999-12-31 23:59:59.999', '1999-12-31 23:59:59.999999', '1999-12-31 23:59:59.999999');

-- --- JSON --------------------------------------------------------------------------------

CREATE TABLE documents (id int PRIMARY KEY, j json, j_required json NOT NULL, checked longtext CHECK (json_valid(checked)), plain longtext);
INSERT INTO documents VALUES
	(1, '{}', '[]', '{"a": 1}', '{"a": 1}'), (2, 'null', '0', NULL, NULL), (3, NULL, '""', 'null', 'null'),
	(4, ' {\n\t"a" : [ 1 ,\r\n 2.50 , "x y" ] , "b":{} }\n ', '[null]', '[1, 2]', ' {\n}'),
	(5, '"text"', '"\\u0001\\u001f\\\\\\"\\u007f\\u2028"', 'true', 'x'), (6, 'true', 'false', '1', 'x'), (7, '[[[]],{"":{}}]', '{"null":null}', '"é😀"', 'x'),
	(8, '{"\\u00e9\\ud83d\\ude00":"\\u00e9\\ud83d\\ude00\\/"}', '{"z":1,"a":2,"A":3}', '{"z":{"z":1,"b":2}}', 'x'), (9, '-1', '-0.5', '1.0', 'x'),
	(10, CONCAT('"', REPEAT('long 😀 ', 20000), '"'), CONCAT('[', REPEAT('1,', 50000), '1]'), '1', 'x');
CREATE TABLE json_numbers (id int PRIMARY KEY, n json, f json);
INSERT INTO json_numbers VALUES (1, '{"v":0}', '{"v":0.5}'), (2, '{"v":9223372036854775807}', '{"v":1.7976931348623157e308}'), (3, '{"v":-9223372036854775808}', '{"v":-1.7976931348623157e308}'),
	(4, '{"v":9223372036854775808}', '{"v":5e-324}'), (5, '{"v":18446744073709551615}', '{"v":-5e-324}'), (6, '{"v":18446744073709551614}', '{"v":2.2250738585072014e-308}'),
	(7, '{"v":9007199254740991}', '{"v":0.1}'), (8, '{"v":9007199254740993}', '{"v":0.30000000000000004}'), (9, '{"v":-9007199254740993}', '{"v":1e-7}'), (10, '{"v":1}', '{"v":1e22}'), (11, '{"v":-1}', '{"v":1E+2}');

-- --- geometry -------------------------------------------------------------------------------

CREATE TABLE geometries (id int PRIMARY KEY, g geometry, p point, l linestring, po polygon, mp multipoint, ml multilinestring, mpo multipolygon, gc geometrycollection, p_required point NOT NULL);
INSERT INTO geometries VALUES
	(1, ST_GeomFromText('POINT(0 0)'), ST_GeomFromText('POINT(-1 2.5)'), ST_GeomFromText('LINESTRING(0 0,1 1)'), ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,2 4,4 4,4 2,2 2))'),
		ST_GeomFromText('MULTIPOINT(0 0,1 1)'), ST_GeomFromText('MULTILINESTRING((0 0,1 1),(2 2,3 3,4 5))'), ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))'),
		ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))'), ST_GeomFromText('POINT(1 1)')),
	(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ST_GeomFromText('POINT(0.1 -0.2)')),
	(3, ST_GeomFromText('LINESTRING(0.1 0.30000000000000004,100 -100)'), ST_GeomFromText('POINT(13.3777 52.5163)', 4326), NULL, NULL, ST_GeomFromText('MULTIPOINT(5 5)'), NULL, NULL,
		ST_GeomFromText('GEOMETRYCOLLECTION EMPTY'), ST_GeomFromText('POINT(180 90)', 4326)),
	(4, ST_GeomFromText('GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 2)),POINT(3 4))'), ST_GeomFromText('POINT(1e300 -1e-300)'), NULL, NULL, NULL, NULL, NULL, NULL, ST_GeomFromText('POINT(0 0)'));
