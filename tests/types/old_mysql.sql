-- What MySQL's and MariaDB's tables have become in the course of time, for tests/bats/old_features.bats.
SET NAMES utf8mb4;
SET time_zone = '+00:00';
SET sql_mode = 'STRICT_ALL_TABLES';
CREATE DATABASE types CHARACTER SET utf8mb4;
USE types;

CREATE TABLE computed (id int AUTO_INCREMENT PRIMARY KEY, a decimal(10,2), doubled decimal(11,2) AS (a * 2) VIRTUAL, stored varchar(20) AS (CONCAT('v', a)) PERSISTENT,
	j json, from_json varchar(10) AS (JSON_VALUE(j, '$.k')) VIRTUAL, day date AS (CAST('2026-01-31' AS date)) VIRTUAL, bits bit(4) AS (b'1010') STORED, now_default datetime DEFAULT '2026-01-31 10:00:00', expression varchar(10) DEFAULT (UPPER('x')));
INSERT INTO computed (a, j) VALUES (12.34, '{"k":"v"}'), (NULL, NULL), (-99999999.99, '{}');
CREATE TABLE invisible (id int AUTO_INCREMENT PRIMARY KEY INVISIBLE, v varchar(10), hidden varchar(10) INVISIBLE DEFAULT 'h', hidden_virtual varchar(20) AS (CONCAT(v, '!')) VIRTUAL INVISIBLE, last int);
INSERT INTO invisible (id, v, last) VALUES (1, 'a', 1), (2, NULL, NULL);

-- The same text in every character set that has it, and what only one has.
CREATE TABLE charsets (id int PRIMARY KEY, c_latin1 text CHARACTER SET latin1, c_latin2 text CHARACTER SET latin2, c_cp1251 text CHARACTER SET cp1251, c_koi8r text CHARACTER SET koi8r,
	c_ucs2 varchar(50) CHARACTER SET ucs2, c_utf16 text CHARACTER SET utf16, c_utf16le text CHARACTER SET utf16le, c_utf32 varchar(50) CHARACTER SET utf32, c_utf8mb3 text CHARACTER SET utf8mb3, c_sjis text CHARACTER SET sjis, c_cp932 char(20) CHARACTER SET cp932,
	c_ujis text CHARACTER SET ujis, c_eucjpms text CHARACTER SET eucjpms, c_gbk text CHARACTER SET gbk, c_gb2312 text CHARACTER SET gb2312, c_big5 text CHARACTER SET big5, c_euckr text CHARACTER SET euckr, c_greek text CHARACTER SET greek,
	c_hebrew char(20) CHARACTER SET hebrew, c_tis620 text CHARACTER SET tis620, c_macroman text CHARACTER SET macroman, c_dec8 text CHARACTER SET dec8, c_hp8 text CHARACTER SET hp8, c_swe7 text CHARACTER SET swe7, c_ascii text CHARACTER SET ascii,
	c_armscii8 text CHARACTER SET armscii8, c_geostd8 text CHARACTER SET geostd8, c_cp850 text CHARACTER SET cp850, c_cp866 text CHARACTER SET cp866, c_cp1250 text CHARACTER SET cp1250, c_cp1256 text CHARACTER SET cp1256, c_latin5 text CHARACTER SET latin5,
	c_latin7 text CHARACTER SET latin7, c_binary varchar(50) CHARACTER SET binary, e_latin1 enum('é', 'ß') CHARACTER SET latin1, e_ucs2 enum('漢', '字') CHARACTER SET ucs2, s_cp1251 set('да', 'нет') CHARACTER SET cp1251, unicode_520 text COLLATE utf8mb4_unicode_520_ci);
INSERT INTO charsets VALUES
	(1, 'café ÿ €', 'Łódź', 'Привет', 'Привет', '漢字 é', '漢字 😀', '😀', '漢字 😀', '漢字 é', '漢字', '漢字', '漢字', '漢字', '汉字', '汉字', '漢字', '한국', 'Ελλάδα', 'שלום', 'ไทย', 'é ü', 'é', 'é', 'Å', 'abc', 'Հայ', 'ქარ', 'é', 'Привет', 'Łódź', 'مرحبا', 'İş', 'Āž', x'00ff80', 'ß', '字', 'да,нет', '😀'),
	(2, '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', 'é', '漢', '', ''),
	(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO charsets (id, c_latin1, c_ucs2, c_sjis) VALUES (4, x'20a9b5f7ff80', x'00410000ffff', 'ﾊﾝｶｸ ~\\');

-- An enum of index 0 is a value that was refused.
SET sql_mode = '';
CREATE TABLE leftovers (id int PRIMARY KEY, e enum('', 'a', 'b') , e0 enum('a', 'b') NOT NULL, s set('a', 'b'), zf smallint(8) ZEROFILL, zd decimal(8,3) ZEROFILL, zdouble double(8,3) ZEROFILL, y2 year(2), y year, t1 tinyint(1), national_text NATIONAL varchar(10), squeezed text COMPRESSED);
INSERT IGNORE INTO leftovers VALUES (1, 'refused', 'refused', 'refused', 7, 1.5, 2.5, 99, 1999, 9, 'é', REPEAT('squeezed ', 100)), (2, '', 'a', '', 65535, 99999.999, 0, 69, 0, -128, '', ''), (3, 'a', 'b', 'b,a', 0, 0, 1, 0, 2155, 0, 'x', NULL), (4, NULL, 'a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SET sql_mode = 'STRICT_ALL_TABLES';

CREATE TABLE versioned (id int PRIMARY KEY, v varchar(10)) WITH SYSTEM VERSIONING;
INSERT INTO versioned VALUES (1, 'first'), (2, 'gone');
UPDATE versioned SET v = 'second' WHERE id = 1;
DELETE FROM versioned WHERE id = 2;
CREATE TABLE versioned_openly (id int PRIMARY KEY, v varchar(10), begins timestamp(6) GENERATED ALWAYS AS ROW START, ends timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (begins, ends)) WITH SYSTEM VERSIONING;
INSERT INTO versioned_openly (id, v) VALUES (1, 'first');
UPDATE versioned_openly SET v = 'second';
CREATE TABLE periods (id int PRIMARY KEY, begins date, ends date, PERIOD FOR validity (begins, ends));
INSERT INTO periods VALUES (1, '2026-01-01', '9999-12-31');

CREATE TABLE parted (id int, day date, v varchar(10), PRIMARY KEY (id, day)) PARTITION BY RANGE (YEAR(day)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN (2026), PARTITION rest VALUES LESS THAN MAXVALUE);
INSERT INTO parted VALUES (1, '1999-12-31', 'a'), (2, '2000-01-01', 'b'), (3, '2026-01-01', NULL), (4, '9999-12-31', 'd');
CREATE TABLE in_myisam (id int PRIMARY KEY, v varchar(10), t text, c char(10)) ENGINE = MyISAM ROW_FORMAT = DYNAMIC;
INSERT INTO in_myisam VALUES (1, 'a', 'b', 'c'), (2, '', NULL, 'trail  '), (3, 'gone', NULL, NULL);
DELETE FROM in_myisam WHERE id = 3;
CREATE TABLE in_myisam_fixed (id int PRIMARY KEY, v char(10), n bigint unsigned) ENGINE = MyISAM ROW_FORMAT = FIXED;
INSERT INTO in_myisam_fixed VALUES (1, 'a', 18446744073709551615), (2, NULL, 0);
CREATE TABLE merged (id int NOT NULL, v char(10), n bigint unsigned, KEY (id)) ENGINE = MERGE UNION = (in_myisam_fixed);
CREATE TABLE in_aria (id int PRIMARY KEY, v varchar(10), at timestamp(3) NULL) ENGINE = Aria TRANSACTIONAL = 1;
INSERT INTO in_aria VALUES (1, 'é😀', '2026-01-31 10:00:00.123'), (2, NULL, NULL);
CREATE TABLE in_memory (id int PRIMARY KEY, v varchar(10)) ENGINE = MEMORY;
INSERT INTO in_memory VALUES (1, 'a');
CREATE TABLE in_csv (id int NOT NULL, v varchar(20) NOT NULL) ENGINE = CSV;
INSERT INTO in_csv VALUES (1, 'a "quoted", one'), (2, '');

CREATE VIEW a_view AS SELECT p.id, CONCAT(p.v, '!') AS v, p.id * 1.5 AS n, SUM(p.id) OVER () AS total, NULL AS nothing, p.day, CAST(1 AS unsigned) AS u, 1.5e0 AS f, x'ff' AS b, a.at FROM parted AS p LEFT JOIN in_aria AS a USING (id);
CREATE TABLE `altered` (id int PRIMARY KEY, gone int, v varchar(10) DEFAULT 'x');
INSERT INTO `altered` VALUES (1, 1, 'old');
ALTER TABLE `altered` ADD added int NOT NULL DEFAULT 7 FIRST, DROP COLUMN gone, ADD late datetime(6) DEFAULT '2026-01-31 10:00:00.5' AFTER id, ALGORITHM = INSTANT;
INSERT INTO `altered` (id, v) VALUES (2, 'new');

-- Times in the format of before 5.6.
SET GLOBAL mysql56_temporal_format = OFF;
CREATE TABLE old_times (id int PRIMARY KEY, t time, t6 time(6), dt datetime, dt6 datetime(6), dt3 datetime(3), ts timestamp NULL, ts6 timestamp(6) NULL);
SET GLOBAL mysql56_temporal_format = ON;
INSERT INTO old_times VALUES (1, '00:00:00', '23:59:59.999999', '0001-01-01', '9999-12-31 23:59:59.999999', '1970-01-01 00:00:00.001', '1970-01-01 00:00:01', '2038-01-19 03:14:07.999999'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (3, '12:34:56', '00:00:00.000001', '2026-01-31 10:00:00', '0001-01-01 00:00:00.000001', '9999-12-31 23:59:59.999', '2026-01-31 10:00:00', '2026-01-31 10:00:00.000001');

CREATE TABLE same_name (id int PRIMARY KEY, same_name varchar(30));
INSERT INTO same_name VALUES (1, 'a column as its table');
CREATE TABLE empty (id int PRIMARY KEY, v text COMMENT 'nothing "here" \\ é漢', n bigint unsigned);
CREATE TABLE `Odd ``Name`` .with; dots` (`select` int PRIMARY KEY, `Mixed Case` text, `with``tick` text, `a.b` text, `naïve 漢字` text, `1st` int, `_TABLE_x` int, `'; DROP TABLE parted; --` int, `User` int, `with"quote` int);
INSERT INTO `Odd ``Name`` .with; dots` VALUES (1, 'b', 'c', 'd', 'e', 6, 7, 8, 9, 10);
CREATE TABLE Mixed (Id int PRIMARY KEY, lower text, UPPER text);
INSERT INTO Mixed VALUES (1, 'l', 'U');
CREATE TABLE padded (id int PRIMARY KEY, c char(5), c1 char(1), u char(4) CHARACTER SET utf8mb4, b binary(5), v varchar(5));
INSERT INTO padded VALUES (1, 'ab', '', 'é', 'ab', 'ab  '), (2, 'ab  ', 'x', '', '', ''), (3, NULL, NULL, NULL, NULL, NULL);
