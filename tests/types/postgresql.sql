-- Every type of PostgreSQL, each with its extremes, for tests/bats/every_type_postgresql.bats.
-- A table per family, each with a key `id`; postgresql.spec says what its columns become.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE SCHEMA types;
CREATE SCHEMA extensions;
CREATE EXTENSION hstore SCHEMA extensions;
CREATE EXTENSION citext SCHEMA extensions;
CREATE EXTENSION ltree SCHEMA extensions;
CREATE EXTENSION cube SCHEMA extensions;
CREATE EXTENSION isn SCHEMA extensions;
CREATE EXTENSION postgis SCHEMA extensions;
SET search_path = types, extensions, public;
CREATE SCHEMA types_spec;
-- BigQuery's text of an interval: months, days and time each have a sign of their own.
CREATE FUNCTION types_spec.interval_text(i interval) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$
	SELECT CASE WHEN months < 0 THEN '-' ELSE '' END || abs(months) / 12 || '-' || abs(months) % 12 || ' ' || days || ' ' ||
		CASE WHEN us < 0 THEN '-' ELSE '' END || abs(us) / 3600000000 || ':' || abs(us) / 60000000 % 60 || ':' || abs(us) / 1000000 % 60 ||
		CASE WHEN us % 1000000 = 0 THEN '' WHEN us % 1000 = 0 THEN '.' || lpad((abs(us) / 1000 % 1000)::text, 3, '0')
			ELSE '.' || lpad((abs(us) % 1000000)::text, 6, '0') END
	FROM (SELECT (extract(year FROM i) * 12 + extract(month FROM i))::bigint AS months, extract(day FROM i)::bigint AS days,
		(extract(hour FROM i) * 3600000000 + extract(minute FROM i) * 60000000 + extract(microseconds FROM i))::bigint AS us) AS parts
$$;

-- --- numbers ------------------------------------------------------------------

CREATE TABLE integers (id int PRIMARY KEY, i2 int2, i4 int4, i8 int8, o oid, b bool, i8_required int8 NOT NULL);
INSERT INTO integers VALUES
	(1, -32768, -2147483648, -9223372036854775808, 0, false, -9223372036854775808),
	(2, 32767, 2147483647, 9223372036854775807, 4294967295, true, 9223372036854775807),
	(3, 0, 0, 0, 2147483648, NULL, 0),
	(4, NULL, NULL, NULL, NULL, NULL, 9007199254740991),
	(5, -1, -1, -1, 1, true, 9007199254740992),
	(6, -32767, -2147483647, -9223372036854775807, 2147483647, true, 9007199254740993),
	(7, 32766, 2147483646, 9223372036854775806, 4294967294, true, -9007199254740991),
	(8, 1, 1, 1, 4294967293, true, -9007199254740992),
	(9, 10, 1000000000, 1000000000000000000, 1000000000, false, -9007199254740993),
	(10, 9, 999999999, 999999999999999999, 999999999, false, 99);

-- Not 8.5e9 as float4: the shortest text that reads back as it, yet the server prints 8.4999997e+09.
CREATE TABLE floats (id int PRIMARY KEY, f4 float4, f8 float8);
INSERT INTO floats VALUES
	(1, 0, 0), (2, '-0', '-0'), (3, NULL, NULL), (4, 'NaN', 'NaN'),
	(5, 'Infinity', 'Infinity'), (6, '-Infinity', '-Infinity'),
	(7, 1.4e-45, 5e-324), (8, -1.4e-45, -5e-324),
	(9, 1.1754942e-38, 2.225073858507201e-308), (10, 1.17549435e-38, 2.2250738585072014e-308),
	(11, 3.4028235e38, 1.7976931348623157e308), (12, -3.4028235e38, -1.7976931348623157e308),
	(13, 3.4028233e38, 1.7976931348623155e308), (14, 0.1, 0.1), (15, 0.3, 0.30000000000000004),
	(16, 16777216, 9007199254740992), (17, 16777217, 9007199254740993), (18, 1e10, 1e23),
	(19, 8.4e9, 9.5367431640625e-07), (20, 1, 1), (21, -1, 123456789012345680), (22, 3.4e-5, 1e-5), (23, 33554432, 1e15),
	(24, 0.33333334, 0.3333333333333333), (25, 1e15, 1e16), (26, 1e16, 1e21), (27, 1e20, 1e22);

CREATE TABLE numerics (id int PRIMARY KEY,
	n5 numeric(5), n10_2 numeric(10,2), n38_9 numeric(38,9), n29 numeric(29), n9_9 numeric(9,9),
	n39_10 numeric(39,10), n30 numeric(30), n38 numeric(38), n38_38 numeric(38,38), n76_38 numeric(76,38), n76_40 numeric(76,40),
	n39 numeric(39), n1000_500 numeric(1000,500),
	n5_negative numeric(5,-2), n29_negative numeric(28,-1), n38_negative numeric(30,-8), n40_negative numeric(30,-10),
	n2_4 numeric(2,4), n3_12 numeric(3,12), n3_38 numeric(3,38), n3_39 numeric(3,39), n numeric, m money);
INSERT INTO numerics (id) VALUES (1);
-- All nines, both signs; numeric(76,38) and numeric without precision end where BIGNUMERIC does.
INSERT INTO numerics
SELECT 3 - sign, sign * 99999, sign * 99999999.99, sign * 99999999999999999999999999999.999999999,
	sign * 99999999999999999999999999999, sign * 0.999999999,
	sign * 99999999999999999999999999999.9999999999, sign * 999999999999999999999999999999,
	sign * 99999999999999999999999999999999999999, sign * 0.99999999999999999999999999999999999999,
	sign * 99999999999999999999999999999999999999.99999999999999999999999999999999999999,
	sign * 999999999999999999999999999999999999.9999999999999999999999999999999999999999,
	sign * 999999999999999999999999999999999999999,
	sign * (repeat('9', 500) || '.' || repeat('9', 500))::numeric,
	sign * 9999900, sign * 99999999999999999999999999990, sign * 99999999999999999999999999999900000000::numeric,
	sign * 999999999999999999999999999999e10, sign * 0.0099, sign * 0.000000000999, sign * 999e-38, sign * 999e-39,
	sign * 99999999999999999999999999999999999999.99999999999999999999999999999999999999,
	sign * 92233720368547758.07::numeric::money
FROM unnest(ARRAY[1, -1]) AS sign;
INSERT INTO numerics VALUES
	(5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	(6, 1, 0.01, 0.000000001, 1, 0.000000001, 1e-10, 1, 1, 1e-38, 1e-38, 1e-40, 1, 1e-500, 100, 10, 1e8, 1e10, 1e-4, 1e-12, 1e-38, 1e-39, 1e-38, 0.01),
	(7, -1, -0.01, -0.000000001, -1, -0.000000001, -1e-10, -1, -1, -1e-38, -1e-38, -1e-40, -1, -1e-500, -100, -10, -1e8, -1e10, -1e-4, -1e-12, -1e-38, -1e-39, -1e-38, -0.01);
INSERT INTO numerics (id, n, m, n76_38) VALUES
	(8, 578960446186580977117854925043439539266.34992332820282019728792003956564819967, '-92233720368547758.08', 10000),
	(9, -578960446186580977117854925043439539266.34992332820282019728792003956564819968, '92233720368547758.07', 9999),
	(10, 1e38, 0.99, 0.0001), (11, 1.50, -0.99, 0.00001), (12, 100.00, 100, 123456789.987654321), (13, 0.000, 1234567.89, 1e20),
	(14, 10000, 1, 1e-20), (15, 12345678901234567890.12345678901234567890, -1, 1.10);

-- --- text and bytes -------------------------------------------------------------

CREATE TYPE mood AS ENUM ('', 'sad', 'it''s "ok"', 'très heureux 😀');
CREATE TABLE texts (id int PRIMARY KEY, t text, v varchar, v10 varchar(10), c char(10), c1 char, q "char", n name, ci citext, e mood,
	ba bytea, c_bare bpchar);
INSERT INTO texts VALUES
	(1, '', '', '', '', '', '', '', '', '', '', ''),
	(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(3, 'a', 'b', '0123456789', 'abc', 'x', 'y', repeat('n', 63), 'MiXeD', 'sad', '\x00', 'no pad'),
	(4, E'quote " backslash \\ slash / tab \t newline \n return \r', E'\x01\x02\x7f', E'\\\\\\\\', E'\\"', '"', '\', 'a"b', E'\t', 'it''s "ok"', '\xff', 'trailing  '),
	(5, 'é 漢字 😀 👨‍👩‍👧 é', '😀😀', '😀😀😀😀😀😀😀😀😀😀', '漢字', '😀', NULL, '漢字', 'Straße', 'très heureux 😀', '\x0001fe00', ' '),
	(6, U&'\2028\2029\FEFF\FFFD\00A0\200B\+10FFFF\+01F600\FFFF\FDD0', U&'\E000\+0F0000', '</script>', '     lead', ' ', 'z', ' ', ' ', 'sad',
		decode(repeat('00ff', 1000), 'hex'), '');
INSERT INTO texts (id, t) SELECT 7, string_agg(chr(i), '' ORDER BY i) FROM generate_series(1, 1023) i;
INSERT INTO texts (id, t, v, ba) SELECT 8, repeat('long " \ 😀 ', 20000), repeat(E'\x01', 50000), decode(repeat('0123456789abcdef', 20000), 'hex');
INSERT INTO texts (id, t) SELECT 9, string_agg(chr(i), '' ORDER BY i) FROM generate_series(1024, 65533, 7) i WHERE i NOT BETWEEN 55296 AND 57343;
INSERT INTO texts (id, t) VALUES (10, 'null'), (11, 'true'), (12, '{"@end":{"rows":1}}'), (13, '00123'), (14, ' lead and trail '), (15, '1e5');
INSERT INTO texts (id, t, ba) SELECT 100 + i, repeat('x', i), decode(repeat('ab', i), 'hex') FROM generate_series(0, 70) i;
INSERT INTO texts (id, ba) SELECT 300, decode(string_agg(lpad(to_hex(i), 2, '0'), '' ORDER BY i), 'hex') FROM generate_series(0, 255) i;
INSERT INTO texts (id, q) VALUES (400, E'\x01'), (401, E'\x7f');

CREATE TABLE texts_like (id int PRIMARY KEY, u uuid, ip inet, net cidr, mac macaddr, mac8 macaddr8, x xml, b1 bit, b9 bit(9), vb varbit, vb5 varbit(5),
	tv tsvector, tq tsquery, lsn pg_lsn, xid8 xid8, xid xid, cid cid, tid tid, snap pg_snapshot, tsnap txid_snapshot, cur refcursor,
	jp jsonpath, acl aclitem, rc regclass, rt regtype, rp regprocedure, rproc regproc, rop regoper, roperator regoperator, rrole regrole, rns regnamespace,
	rconf regconfig, rdict regdictionary, rcoll regcollation, tree ltree, cb cube, isbn isbn13);
INSERT INTO texts_like VALUES
	(1, '00000000-0000-0000-0000-000000000000', '0.0.0.0', '0.0.0.0/0', '00:00:00:00:00:00', '00:00:00:00:00:00:00:00', '', B'0', B'000000000', B'', B'',
		'', '', '0/0', '0', '0', '0', '(0,0)', '1:1:', '1:1:', '', '$', 'postgres=/postgres', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '', '0', '978-0-393-04002-9'),
	(2, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '255.255.255.255/32', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff',
		'<a b="c">é<!-- d --></a>', B'1', B'111111111', repeat('10', 500)::varbit, B'10101', $$a:1 'it''s':2A,3B '\\':4$$, $$a & (b | !'c d')$$, 'FFFFFFFF/FFFFFFFF',
		'18446744073709551615', '4294967295', '4294967295', '(4294967295,65535)', '10:20:10,14,15', '10:20:10,14,15', 'cur"sor', '$."a"[*]?(@ > 1)', '=r*/postgres',
		'integers', 'int4', 'abs(int4)', 'now', '||/', '+(integer,integer)', 'postgres', 'pg_catalog', 'english', 'simple', '"C"', 'Top.Science_1', '(1,2),(3.5,-4e10)', '978-0-11-000222-4'),
	(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO texts_like (id, ip, net, x, u) VALUES
	(4, '192.168.0.1/24', '10.0.0.0/8', E'<?xml version="1.0"?>\n<r>&lt;</r>', '12345678-9ABC-def0-1234-56789abcdef0'),
	(5, '::1/0', '::/0', 'just content', NULL), (6, '::ffff:1.2.3.4/96', '2001:db8::/32', '<a/><b/>', NULL),
	(7, '255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128', NULL, NULL);

CREATE TABLE geometric (id int PRIMARY KEY, pt point, ln line, sg lseg, bx box, pa path, po polygon, ci circle);
INSERT INTO geometric VALUES
	(1, '(0,0)', '{1,0,0}', '[(0,0),(0,0)]', '((0,0),(0,0))', '[(0,0)]', '((0,0))', '<(0,0),0>'),
	(2, '(1.7976931348623157e308,-5e-324)', '{0.1,-0.2,0.30000000000000004}', '[(1e300,-1e300),(0.1,0.2)]', '((1e308,1),(-1e308,-1))', '((0,0),(1,1),(2,0))',
		'((0,0),(0,1),(1,1),(1.5,0))', '<(0.1,0.2),1e308>'),
	(3, '(NaN,Infinity)', NULL, NULL, NULL, NULL, NULL, '<(1,2),0.1>'),
	(4, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- --- dates and times ---------------------------------------------------------------

CREATE TABLE times (id int PRIMARY KEY, d date, t time, t0 time(0), tz timetz, ts timestamp, ts3 timestamp(3), tstz timestamptz, tstz0 timestamptz(0), i interval, i_ym interval year to month, i_s0 interval second(0));
INSERT INTO times VALUES
	(1, '0001-01-01', '00:00:00', '00:00:00', '00:00:00+15:59:59', '0001-01-01 00:00:00', '0001-01-01 00:00:00', '0001-01-01 00:00:00+00', '0001-01-01 00:00:00+00', '0', '0', '0'),
	(2, '9999-12-31', '23:59:59.999999', '23:59:59', '24:00:00-15:59:59', '9999-12-31 23:59:59.999999', '9999-12-31 23:59:59.999', '9999-12-31 23:59:59.999999+00', '9999-12-31 23:59:59+00',
		'9999 years 11 mons 3659999 days 87839999:59:59.999999', '9999 years 11 mons', '59'),
	(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(4, '1970-01-01', '00:00:00.000001', '12:00:00', '12:34:56.789012+00', '1970-01-01 00:00:00', '1970-01-01 00:00:00.001', '1970-01-01 00:00:00+00', '1970-01-01 00:00:00+00', '10000 years', '10000 years', '1'),
	(5, '1969-12-31', '23:59:59.999998', '00:00:01', '12:34:56+05:30', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999', '1969-12-31 23:59:59.999999+00', '1969-12-31 23:59:59+00', '-10000 years', '-10000 years', '-1'),
	(6, '2000-01-01', '12:34:56.7', '01:02:03', '00:00:00.000001-00:00:01', '2000-01-01 00:00:00', '2000-01-01', '2000-01-01 00:00:00+00', '2000-01-01', '3660000 days', '1 mon', '87840000:00:00'),
	(7, '1999-12-31', '00:00:00.1', '10:00:00', '10:00:00-03:30', '1999-12-31 23:59:59.999999', '1999-12-31', '1999-12-31 23:59:59.999999+00', '1999-12-31', '-3660000 days', '-1 mon', '-87840000:00:00'),
	(8, '2000-02-29', '00:00:01.000010', '20:00:00', '23:59:59.999999+12:45', '2000-02-29 12:00:00.5', '2000-02-29', '2000-02-29 12:00:00.5+05:30', '2000-02-29', '87840000:00:00', '13 mons', '0'),
	(9, '1900-02-28', '00:01:00', '23:00:00', '01:00:00+01', '1900-02-28 23:59:59.000001', '1900-02-28', '1900-02-28 23:59:59.000001+00', '1900-02-28', '-87840000:00:00', '-13 mons', '0'),
	(10, '1582-10-10', '13:00:00', '13:00:00', '13:00:00-08', '1582-10-10 10:10:10.101010', '1582-10-10', '1582-10-10 10:10:10.101010+00', '1582-10-10', '1 year -1 mons +2 days -00:00:00.000001', '1 year -1 mons', '0'),
	(11, '2038-01-19', '03:14:07', '03:14:07', '03:14:07+00', '2038-01-19 03:14:08', '2038-01-19', '2038-01-19 03:14:08+00', '2038-01-19', '-1 year +1 day', '-11 mons', '0'),
	(12, '0001-01-02', '03:14:07', '03:14:07', '03:14:07+00', '0001-01-01 00:00:00.000001', '0001-01-01', '0001-01-01 00:00:00.000001+00', '0001-01-02', '-00:00:01.5', '0', '-2'),
	(13, '9999-12-30', '03:14:07', '03:14:07', '03:14:07+00', '9999-12-31 23:59:59.999998', '9999-12-31', '9999-12-31 23:59:59.999998+00', '9999-12-31', '00:00:00.000001', '0', '0'),
	(14, '0004-02-29', '03:14:07', '03:14:07', '03:14:07+00', '0004-02-29', '0004-02-29', '0004-02-29 23:00:00+00', '0004-02-29', '00:00:00.001', '0', '0'),
	(15, '2026-03-29', '02:30:00', '02:30:00', '02:30:00+02', '2026-03-29 02:30:00', '2026-03-29', '2026-03-29 02:30:00 Europe/Berlin', '2026-10-25 02:30:00+01', '1 mon 1 day 01:01:01.1', '1 mon', '0'),
	(16, '1883-11-18', '12:03:58', '12:03:58', '12:03:58-04:56:02', '1883-11-18 12:03:58', '1883-11-18', '1883-11-18 12:03:58 America/New_York', '1883-11-18', '-9999 years -11 mons -3659999 days -87839999:59:59.999999', '-9999 years -11 mons', '0');

CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TABLE ranges (id int PRIMARY KEY, i4 int4range, i8 int8range, n numrange, d daterange, ts tsrange, tstz tstzrange, f float_range,
	mi4 int4multirange, mi8 int8multirange, mn nummultirange, md datemultirange, mts tsmultirange, mtstz tstzmultirange);
INSERT INTO ranges VALUES
	(1, 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', '{}', '{}', '{}', '{}', '{}', '{}'),
	(2, '(,)', '(,)', '(,)', '(,)', '(,)', '(,)', '(,)', '{(,)}', '{(,)}', '{(,)}', '{(,)}', '{(,)}', '{(,)}'),
	(3, '[-2147483648,2147483647)', '[-9223372036854775808,9223372036854775807)', '[1.10,99999999999999999999.9]', '[4713-01-01 BC,5874897-12-31)', '[-infinity,infinity]',
		'[2026-01-31 10:00:00.000001+05:30,infinity)', '[0.1,Infinity]', '{[1,3),[5,7)}', '{[1,2),[9223372036854775806,9223372036854775807)}', '{[1.10,2.200]}',
		'{[2026-01-01,2026-02-01)}', '{[2026-01-01 00:00,2026-02-01 12:34:56.789]}', '{[2026-01-01 00:00+00,2026-02-01 12:34:56.789+02]}'),
	(4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(5, '(1,5]', '[1,1]', '(1.0,2.0)', '(2026-01-01,2026-01-31]', '(2026-01-31 10:00,2026-02-01)', '(,2026-02-01 00:00+00]', '(-1e300,1e-300)', '{(,1),(3,)}', '{[5,6]}', '{(1,2)}', '{}', '{}', '{}');

-- --- JSON, hstore, composites ------------------------------------------------------

CREATE TYPE inner_record AS (a int, b text);
CREATE TYPE outer_record AS (n numeric(10,2), "Quoted ""Name" text, at timestamptz, d date, r inner_record, list int[], raw bytea, f float8, b bool, j jsonb, iv interval);
CREATE TABLE documents (id int PRIMARY KEY, j json, jb jsonb, jb_required jsonb NOT NULL, h hstore, r outer_record, ir inner_record);
INSERT INTO documents VALUES
	(1, '{}', '{}', '{}', '', '(,,,,,,,,,,)', '(,)'),
	(2, 'null', 'null', '[]', NULL, NULL, NULL),
	(3, NULL, NULL, '0', 'a=>1, "b c"=>NULL, "quote\"s"=>"back\\slash"', ROW(-12.50, E'tab\t"\\😀', '2026-01-31 10:00:00.5+02', '2026-01-31', ROW(2147483647, 'x'), '{1,2,3}', '\x00ff', 0.1, true, '{"k":[1,null]}',
		'1 mon 2 days 03:04:05.6'), ROW(NULL, '')),
	(4, E' {\n\t"a" : [ 1 ,\r\n 2.50 , "x y" ] , "b":{} }\n ', '{"a": [1, 2.50, "x y"], "b": {}}', '""', 'é=>😀', ROW(0, '', '0001-01-01 00:00:00+00', '9999-12-31', NULL, '{}', '', -0.0, false, 'null', '0'), ROW(0, 'null')),
	(5, '"text"', '"text"', '"\u0001\u001f\\\"\u007f\u2028"', NULL, NULL, NULL),
	(6, 'true', 'false', 'true', NULL, NULL, NULL),
	(7, '[[[]],{"":{}}]', '[[[]],{"":{}}]', '[null,null]', NULL, NULL, NULL),
	(8, '{"\u00e9\ud83d\ude00":"\u00e9\ud83d\ude00\/"}', '{"\u00e9\ud83d\ude00":"\u00e9\ud83d\ude00\/"}', '{"z":1,"a":2,"aa":3}', NULL, NULL, NULL),
	(9, '{"z":1,"a":{"z":1,"b":2}}', '{"A":1,"a":2}', '{"null":null}', NULL, NULL, NULL),
	(10, '-1', '-0.5', '1.0', NULL, NULL, NULL);
INSERT INTO documents (id, jb_required) SELECT 12, jsonb_object_agg('key ' || i, repeat('value', i % 50)) FROM generate_series(1, 3000) i;
CREATE TABLE deep_documents (id int PRIMARY KEY, j json, jb jsonb, jbs jsonb[]);
INSERT INTO deep_documents SELECT 1, deep::json, deep::jsonb, ARRAY[deep::jsonb] FROM (SELECT repeat('[', 500) || repeat(']', 500) AS deep) AS d;
INSERT INTO deep_documents VALUES (2, '[]', '{}', '{}');
-- A number per row, compared by its digits (n) or by its value (f).
CREATE TABLE json_numbers (id int PRIMARY KEY, n jsonb, nj json, f jsonb, fj json);
INSERT INTO json_numbers
SELECT row_number() OVER (), ('{"v":' || n || '}')::jsonb, ('{"v":' || n || '}')::json, ('{"v":' || f || '}')::jsonb, ('{"v":' || f || '}')::json
FROM (VALUES ('0', '0.5'), ('9223372036854775807', '1.7976931348623157e308'), ('-9223372036854775808', '-1.7976931348623157e308'),
	('9223372036854775808', '5e-324'), ('18446744073709551615', '-5e-324'), ('18446744073709551614', '2.2250738585072014e-308'),
	('9007199254740991', '0.1'), ('9007199254740993', '0.30000000000000004'), ('-9007199254740993', '1e-7'), ('1', '1e22'), ('-1', '1E+2'), ('10', '123456.789'),
	('999999999999999999', '4.35'), ('4294967296', '1e300')) AS numbers (n, f);

-- --- arrays and domains -------------------------------------------------------------

CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN very_positive AS positive CHECK (VALUE > 10);
CREATE DOMAIN price AS numeric(10,2);
CREATE DOMAIN net_price AS price NOT NULL;
CREATE DOMAIN short_text AS varchar(5);
CREATE DOMAIN some_mood AS mood;
CREATE DOMAIN tags AS text[];
CREATE DOMAIN point_of_time AS timestamptz(3);
CREATE DOMAIN document AS jsonb;
CREATE DOMAIN record_domain AS inner_record;
CREATE DOMAIN span AS interval;
CREATE TABLE domains (id very_positive PRIMARY KEY, p positive, vp very_positive, pr price, np net_price, st short_text, m some_mood, ta tags, at point_of_time, doc document, rd record_domain, sp span,
	prices price[], moods some_mood[], required price NOT NULL);
INSERT INTO domains VALUES
	(11, 1, 11, 99999999.99, 0.01, '12345', 'sad', '{a,b}', '2026-01-31 10:00:00.123+00', '{"a":1}', ROW(1, 'x'), '1 day', '{1.10,-2}', '{sad,""}', 1),
	(12, 2147483647, 2147483647, -99999999.99, 0, '', '', '{}', '0001-01-01 00:00:00+00', '[]', NULL, '0', '{}', '{}', 0),
	(13, NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1.5);

CREATE TABLE arrays (id int PRIMARY KEY, b bool[], i2 int2[], i4 int4[], i8 int8[], o oid[], f4 float4[], f8 float8[], n numeric[], n10_2 numeric(10,2)[], n76_38 numeric(76,38)[], n39 numeric(39)[], m money[],
	t text[], v varchar(5)[], c char(3)[], nm name[], ci citext[], e mood[], ba bytea[], u uuid[], ip inet[], d date[], tm time[], tz timetz[], ts timestamp[], tstz timestamptz[], i interval[],
	j json[], jb jsonb[], h hstore[], r inner_record[], rg int4range[], pt point[], bt bit(3)[], x xml[], required text[] NOT NULL, iv int2vector, ov oidvector, bx box[]);
INSERT INTO arrays (id, required) VALUES (1, '{}');
INSERT INTO arrays VALUES
	(2, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{a}', '', '', '{}'),
	(3, '{t}', '{-32768}', '{2147483647}', '{-9223372036854775808}', '{4294967295}', '{3.4028235e38}', '{5e-324}', '{1e-38}', '{99999999.99}',
		'{99999999999999999999999999999999999999.99999999999999999999999999999999999999}', '{999999999999999999999999999999999999999}', '{-92233720368547758.08}', '{""}', '{12345}', '{a}', '{n}', '{MiXeD}', '{""}', '{"\\x"}', '{00000000-0000-0000-0000-000000000000}',
		'{::1}', '{0001-01-01}', '{23:59:59.999999}', '{24:00:00+00}', '{9999-12-31 23:59:59.999999}', '{0001-01-01 00:00:00+00}', '{-10000 years}', '{"{\"a\" : 1}"}', '{"{\"a\" : 1}"}', '{"a=>1"}', '{"(1,x)"}', '{"[1,2]"}',
		'{"(1,2)"}', '{101}', '{<a/>}', '{NULL_}', '1', '4294967295', '{(1,1),(0,0)}'),
	(4, '{t,f,t}', '{1,2,3}', '{5,6,7}', '{9007199254740993,0,-1}', '{0,1}', '{NaN,Infinity,-Infinity,0.1}', '{NaN,Infinity,-Infinity,0.1}', '{1.10,0,-5}', '{0,0.01,-0.01}', '{0,1e-38}', '{0,-1}', '{0.01,0}',
		ARRAY['a,b', '"quoted"', E'back\\slash', '{}', 'NULL', '', ' ', E'\n', '😀'], '{a,"",😀}', '{"a ",b}', '{a,b}', '{A,a}', '{sad,"it''s \"ok\""}', ARRAY['\x00ff'::bytea, '', '\x01'], '{ffffffff-ffff-ffff-ffff-ffffffffffff}',
		'{10.0.0.0/8,1.2.3.4}', '{9999-12-31,1970-01-01}', '{00:00,12:34:56.789}', '{12:00+01,13:00-01}', '{1970-01-01,2026-01-31 10:00:00.000001}', '{1970-01-01 00:00+00,2026-01-31 10:00:00.000001+02}',
		'{1 day,-1 mon,00:00:00.000001}', ARRAY['[1, 2]', '"x"', '{}']::json[], ARRAY['[1, 2]', '"x"', '{}']::jsonb[], ARRAY['', 'a=>NULL']::hstore[], ARRAY[ROW(1, 'a"b'), ROW(NULL, NULL)]::inner_record[], '{empty,"(,)"}', '{"(0.1,-1)","(1e300,NaN)"}', '{000,111}', '{"<b>1</b>",x}',
		'{a,b,c}', '1 2 3', '1 2 3', '{(2,2),(1,1);(1,0),(0,0)}');
INSERT INTO arrays (id, i4, t, tstz, required) SELECT 5, array_agg(i), array_agg(repeat('x', i % 20)), array_agg('2026-01-31 00:00+00'::timestamptz + i * interval '1 us'), array_agg(i::text) FROM generate_series(1, 3000) i;

-- --- PostGIS ---------------------------------------------------------------------------

CREATE TABLE places (id int PRIMARY KEY, gg geography, gg_point geography(Point, 4326), gm geometry(Geometry, 4326), gm_line geometry(LineString, 4326), mercator geometry(Point, 3857), plain geometry, bx box2d, bx3 box3d);
INSERT INTO places VALUES
	(1, 'POINT(0 0)', 'POINT(-180 -90)', 'SRID=4326;POINT(180 90)', 'SRID=4326;LINESTRING(0 0,1 1)', 'SRID=3857;POINT(-20037508.34 20037508.34)', 'POINT(1e300 -0.1)', 'BOX(0 0,1 1)', 'BOX3D(0 0 0,1 1 1)'),
	(2, 'LINESTRING(0 0,10 10,20 25)', 'POINT(13.3777 52.5163)', 'SRID=4326;POLYGON((0 0,10 0,10 10,0 10,0 0),(2 2,2 4,4 4,4 2,2 2))', 'SRID=4326;LINESTRING(-0.1 0.1,0.30000000000000004 1)', 'SRID=3857;POINT(0 0)', 'SRID=4326;POINT Z(1 2 3)', NULL, NULL),
	(3, 'MULTIPOINT((0 0),(1 1))', NULL, 'SRID=4326;MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))', NULL, NULL, 'GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))', NULL, NULL),
	(4, 'GEOMETRYCOLLECTION(POINT(0 0),LINESTRING(1 1,2 2))', NULL, 'SRID=4326;MULTILINESTRING((0 0,1 1),(2 2,3 3))', NULL, NULL, 'SRID=2154;POLYGON((0 0,1 0,1 1,0 0))', NULL, NULL),
	(5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

COMMENT ON COLUMN integers.i2 IS 'two bytes, "quoted" \ 漢字 😀';
DO $$ BEGIN EXECUTE format('COMMENT ON COLUMN integers.i4 IS %L', repeat('é', 1100)); END $$;
