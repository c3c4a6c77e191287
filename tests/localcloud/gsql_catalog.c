/*
 * Functions and operators with fixed types, one signature a row: name, argument letters (gsql_type_letter), result
 * letter, SQL. "*" after a letter repeats it, "A" takes any type. In the SQL $1… are arguments and $* is all of them.
 */
#include "tests/localcloud/gsql_emit.h"

#include <string.h>

struct signature {
	const char *name;
	const char *args;
	char result;
	const char *sql;
};

static const struct signature signatures[] = {
	{ "+", "II", 'I', "g_iop('+',$1,$2)" },
	{ "+", "NN", 'N', "g_nop('+',$1,$2,'N')" },
	{ "+", "GG", 'G', "g_nop('+',$1,$2,'G')" },
	{ "+", "FF", 'F', "g_fop('+',$1,$2)" },
	{ "+", "DI", 'D', "g_tadd('D',$1,$2,'DAY')" },
	{ "-", "II", 'I', "g_iop('-',$1,$2)" },
	{ "-", "NN", 'N', "g_nop('-',$1,$2,'N')" },
	{ "-", "GG", 'G', "g_nop('-',$1,$2,'G')" },
	{ "-", "FF", 'F', "g_fop('-',$1,$2)" },
	{ "-", "DI", 'D', "g_tadd('D',$1,g_iop('-',0,$2),'DAY')" },
	{ "*", "II", 'I', "g_iop('*',$1,$2)" },
	{ "*", "NN", 'N', "g_nop('*',$1,$2,'N')" },
	{ "*", "GG", 'G', "g_nop('*',$1,$2,'G')" },
	{ "*", "FF", 'F', "g_fop('*',$1,$2)" },
	{ "/", "FF", 'F', "g_fop('/',$1,$2)" },
	{ "/", "NN", 'N', "g_nop('/',$1,$2,'N')" },
	{ "/", "GG", 'G', "g_nop('/',$1,$2,'G')" },
	{ "unary -", "I", 'I', "g_iop('-',0,$1)" },
	{ "unary -", "N", 'N', "g_nop('-','0',$1,'N')" },
	{ "unary -", "G", 'G', "g_nop('-','0',$1,'G')" },
	{ "unary -", "F", 'F', "g_fop('*',-1.0,$1)" },
	{ "unary +", "I", 'I', "$1" },
	{ "unary +", "N", 'N', "$1" },
	{ "unary +", "G", 'G', "$1" },
	{ "unary +", "F", 'F', "$1" },
	{ "unary ~", "I", 'I', "(~$1)" },
	{ "&", "II", 'I', "($1&$2)" },
	{ "|", "II", 'I', "($1|$2)" },
	{ "^", "II", 'I', "(($1|$2)-($1&$2))" },
	{ "<<", "II", 'I', "g_iop('<',$1,$2)" },
	{ ">>", "II", 'I', "g_iop('>',$1,$2)" },
	{ "||", "SS", 'S', "($1||$2)" },
	{ "||", "YY", 'Y', "CAST($1||$2 AS BLOB)" },
	{ "LIKE", "SS", 'B', "g_like($1,$2)" },
	{ "LIKE", "YY", 'B', "g_like($1,$2)" },
	{ "ABS", "I", 'I', "abs($1)" },
	{ "ABS", "N", 'N', "g_nabs($1)" },
	{ "ABS", "G", 'G', "g_nabs($1)" },
	{ "ABS", "F", 'F', "g_fmath('abs',$1)" },
	{ "SIGN", "I", 'I', "sign($1)" },
	{ "SIGN", "F", 'F', "g_fmath('sign',$1)" },
	{ "MOD", "II", 'I', "g_iop('%',$1,$2)" },
	{ "MOD", "NN", 'N', "g_nop('%',$1,$2,'N')" },
	{ "DIV", "II", 'I', "g_iop('/',$1,$2)" },
	{ "ROUND", "N", 'N', "g_nround($1,0,'R')" },
	{ "ROUND", "NI", 'N', "g_nround($1,$2,'R')" },
	{ "ROUND", "G", 'G', "g_nround($1,0,'R')" },
	{ "ROUND", "GI", 'G', "g_nround($1,$2,'R')" },
	{ "ROUND", "F", 'F', "g_fround($1,0)" },
	{ "ROUND", "FI", 'F', "g_fround($1,$2)" },
	{ "TRUNC", "N", 'N', "g_nround($1,0,'T')" },
	{ "TRUNC", "NI", 'N', "g_nround($1,$2,'T')" },
	{ "TRUNC", "F", 'F', "g_fmath('trunc',$1)" },
	{ "FLOOR", "N", 'N', "g_nround($1,0,'F')" },
	{ "FLOOR", "G", 'G', "g_nround($1,0,'F')" },
	{ "FLOOR", "F", 'F', "g_fmath('floor',$1)" },
	{ "CEIL", "N", 'N', "g_nround($1,0,'C')" },
	{ "CEIL", "G", 'G', "g_nround($1,0,'C')" },
	{ "CEIL", "F", 'F', "g_fmath('ceil',$1)" },
	{ "CEILING", "F", 'F', "g_fmath('ceil',$1)" },
	{ "SQRT", "F", 'F', "g_fmath('sqrt',$1)" },
	{ "EXP", "F", 'F', "g_fmath('exp',$1)" },
	{ "LN", "F", 'F', "g_fmath('ln',$1)" },
	{ "POW", "FF", 'F', "g_fop('p',$1,$2)" },
	{ "POWER", "FF", 'F', "g_fop('p',$1,$2)" },
	{ "IS_NAN", "F", 'B', "($1 IS NOT NULL AND g_real($1) IS 'NaN')" },
	{ "IS_INF", "F", 'B', "(g_real($1) IN ('Infinity','-Infinity'))" },
	{ "SAFE_DIVIDE", "FF", 'F', "CASE WHEN $2=0 THEN NULL ELSE g_fop('/',$1,$2) END" },
	{ "SAFE_DIVIDE", "NN", 'N', "CASE WHEN $2='0' THEN NULL ELSE g_nop('/',$1,$2,'N') END" },
	{ "RAND", "", 'F', "abs(random()/9223372036854775808.0)" },
	{ "LOWER", "S", 'S', "g_lower($1)" },
	{ "UPPER", "S", 'S', "g_upper($1)" },
	{ "LENGTH", "S", 'I', "g_chars($1)" },
	{ "LENGTH", "Y", 'I', "length($1)" },
	{ "CHAR_LENGTH", "S", 'I', "g_chars($1)" },
	{ "CHARACTER_LENGTH", "S", 'I', "g_chars($1)" },
	{ "BYTE_LENGTH", "S", 'I', "length(CAST($1 AS BLOB))" },
	{ "BYTE_LENGTH", "Y", 'I', "length($1)" },
	{ "OCTET_LENGTH", "S", 'I', "length(CAST($1 AS BLOB))" },
	{ "SUBSTR", "SI", 'S', "g_substr($1,$2)" },
	{ "SUBSTR", "SII", 'S', "g_substr($1,$2,$3)" },
	{ "SUBSTRING", "SI", 'S', "g_substr($1,$2)" },
	{ "SUBSTRING", "SII", 'S', "g_substr($1,$2,$3)" },
	{ "LEFT", "SI", 'S', "g_substr($1,1,$2)" },
	{ "RIGHT", "SI", 'S', "CASE WHEN $2=0 THEN '' ELSE substr($1,-$2) END" },
	{ "TRIM", "S", 'S', "trim($1,char(32,9,10,11,12,13,160))" },
	{ "TRIM", "SS", 'S', "trim($1,$2)" },
	{ "LTRIM", "S", 'S', "ltrim($1,char(32,9,10,11,12,13,160))" },
	{ "LTRIM", "SS", 'S', "ltrim($1,$2)" },
	{ "RTRIM", "S", 'S', "rtrim($1,char(32,9,10,11,12,13,160))" },
	{ "RTRIM", "SS", 'S', "rtrim($1,$2)" },
	{ "CONCAT", "S*", 'S', "g_concat($*)" },
	{ "STARTS_WITH", "SS", 'B', "(substr($1,1,length($2))=$2)" },
	{ "ENDS_WITH", "SS", 'B', "($2='' OR substr($1,-length($2))=$2)" },
	{ "CONTAINS_SUBSTR", "SS", 'B', "(instr(g_lower($1),g_lower($2))>0)" },
	{ "REPLACE", "SSS", 'S', "replace($1,$2,$3)" },
	{ "STRPOS", "SS", 'I', "instr($1,$2)" },
	{ "INSTR", "SS", 'I', "instr($1,$2)" },
	{ "REPEAT", "SI", 'S', "g_repeat($1,$2)" },
	{ "REVERSE", "S", 'S', "g_reverse($1)" },
	{ "TO_HEX", "Y", 'S', "iif($1 IS NULL,NULL,lower(hex($1)))" },
	{ "FROM_HEX", "S", 'Y', "g_unhex($1)" },
	{ "TO_BASE64", "Y", 'S', "g_b64($1)" },
	{ "FROM_BASE64", "S", 'Y', "g_unb64($1)" },
	{ "MD5", "S", 'Y', "g_digest('MD5',$1)" },
	{ "MD5", "Y", 'Y', "g_digest('MD5',$1)" },
	{ "SHA1", "S", 'Y', "g_digest('SHA1',$1)" },
	{ "SHA1", "Y", 'Y', "g_digest('SHA1',$1)" },
	{ "SHA256", "S", 'Y', "g_digest('SHA256',$1)" },
	{ "SHA256", "Y", 'Y', "g_digest('SHA256',$1)" },
	{ "SHA512", "S", 'Y', "g_digest('SHA512',$1)" },
	{ "SHA512", "Y", 'Y', "g_digest('SHA512',$1)" },
	{ "ST_ASTEXT", "O", 'S', "$1" },
	{ "ST_GEOGFROMTEXT", "S", 'O', "g_geog($1)" },
	{ "GENERATE_UUID", "", 'S', "g_uuid(random())" },
	{ "DATE", "III", 'D', "g_date($1,$2,$3)" },
	{ "DATE", "D", 'D', "$1" },
	{ "DATE", "P", 'D', "g_cast($1,'P','D',0)" },
	{ "DATE", "M", 'D', "g_cast($1,'M','D',0)" },
	{ "TIMESTAMP", "P", 'P', "$1" },
	{ "TIMESTAMP", "S", 'P', "g_cast($1,'S','P',0)" },
	{ "TIMESTAMP", "D", 'P', "g_cast($1,'D','P',0)" },
	{ "TIMESTAMP", "M", 'P', "g_cast($1,'M','P',0)" },
	{ "DATETIME", "M", 'M', "$1" },
	{ "DATETIME", "D", 'M', "g_cast($1,'D','M',0)" },
	{ "DATETIME", "P", 'M', "g_cast($1,'P','M',0)" },
	{ "DATETIME", "DT", 'M', "($1||'T'||$2)" },
	{ "TIME", "M", 'T', "g_cast($1,'M','T',0)" },
	{ "TIME", "P", 'T', "g_cast($1,'P','T',0)" },
	{ "STRING", "P", 'S', "g_cast($1,'P','S',0)" },
	{ "TIMESTAMP_MICROS", "I", 'P', "g_micros($1,1)" },
	{ "TIMESTAMP_MILLIS", "I", 'P', "g_micros($1,1000)" },
	{ "TIMESTAMP_SECONDS", "I", 'P', "g_micros($1,1000000)" },
	{ "UNIX_MICROS", "P", 'I', "$1" },
	{ "UNIX_MILLIS", "P", 'I', "g_floordiv($1,1000)" },
	{ "UNIX_SECONDS", "P", 'I', "g_floordiv($1,1000000)" },
	{ "UNIX_DATE", "D", 'I', "g_tdiff('D',$1,'1970-01-01','DAY')" },
	{ "DATE_FROM_UNIX_DATE", "I", 'D', "g_tadd('D','1970-01-01',$1,'DAY')" },
	{ "FORMAT_TIMESTAMP", "SP", 'S', "g_format_time('P',$1,$2)" },
	{ "FORMAT_DATE", "SD", 'S', "g_format_time('D',$1,$2)" },
	{ "FORMAT_DATETIME", "SM", 'S', "g_format_time('M',$1,$2)" },
	{ "LAST_DAY", "D", 'D',
	  "g_tadd('D',g_tadd('D',g_ttrunc('D',$1,'MONTH'),1,'MONTH'),-1,'DAY')" },
	{ "PARSE_JSON", "S", 'J', "g_cast($1,'S','J',0)" },
	{ "JSON_TYPE", "J", 'S', "g_jtype($1)" },
	{ "STRING", "J", 'S', "g_jscalar($1)" },
	{ "INT64", "J", 'I', "g_cast(g_jscalar($1),'S','I',0)" },
	{ "FLOAT64", "J", 'F', "g_cast(g_jscalar($1),'S','F',0)" },
	{ "BOOL", "J", 'B', "g_cast(g_jscalar($1),'S','B',0)" },
	{ "ASCII", "S", 'I', "coalesce(unicode($1),0*length($1))" },
	{ "CHR", "I", 'S', "char($1)" },
};
enum { SIGNATURES = sizeof(signatures) / sizeof(signatures[0]) };

bool gsql_known_function(const char *name)
{
	for (size_t i = 0; i < SIGNATURES; i++)
		if (strcmp(signatures[i].name, name) == 0)
			return true;
	return false;
}

/* The letter of argument i, or 0 when the signature has no such argument. */
static char letter_at(const struct signature *s, size_t i)
{
	size_t len = strlen(s->args);
	bool repeats = len > 0 && s->args[len - 1] == '*';
	if (repeats && i >= len - 1)
		return s->args[len - 2];
	return i < len ? s->args[i] : '\0';
}

/* -1 when the arguments do not fit. */
static long cost_of(const struct signature *s, const struct gsql_value *args, size_t n)
{
	size_t len = strlen(s->args);
	bool repeats = len > 0 && s->args[len - 1] == '*';
	if (repeats ? n < len - 1 : n != len)
		return -1;
	long total = 0;
	for (size_t i = 0; i < n; i++) {
		int cost =
			gsql_coerce_cost(&args[i], gsql_type(gsql_kind_of_letter(letter_at(s, i))));
		if (cost < 0)
			return -1;
		total += cost;
	}
	return total;
}

static const char *fill(struct gsql *g, const char *template, const struct gsql_value *args,
			size_t n)
{
	struct gsql_text s = { 0 };
	gsql_add(g, &s, "%s", "");
	while (*template != '\0') {
		size_t plain = strcspn(template, "$");
		gsql_add(g, &s, "%.*s", (int)plain, template);
		template += plain;
		if (*template == '\0')
			break;
		if (template[1] == '*')
			for (size_t i = 0; i < n; i++)
				gsql_add(g, &s, "%s%s", i > 0 ? "," : "", args[i].sql);
		else
			gsql_add(g, &s, "%s", args[template[1] - '1'].sql);
		template += 2;
	}
	return gsql_printf(g, "(%s)", s.s);
}

bool gsql_apply(struct gsql *g, const char *name, struct gsql_value *args, size_t n,
		struct gsql_value *ret)
{
	const struct signature *best = NULL;
	long best_cost = 0;
	for (size_t i = 0; i < SIGNATURES; i++) {
		const struct signature *s = &signatures[i];
		long cost = strcmp(s->name, name) == 0 ? cost_of(s, args, n) : -1;
		if (cost >= 0 && (best == NULL || cost < best_cost)) {
			best = s;
			best_cost = cost;
		}
	}
	if (best == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		args[i] =
			gsql_coerce(g, args[i], gsql_type(gsql_kind_of_letter(letter_at(best, i))));
	ret->sql = fill(g, best->sql, args, n);
	ret->literal = NULL;
	/* A small letter is an array of that type. */
	bool array = best->result >= 'a';
	ret->type = gsql_type(
		gsql_kind_of_letter(array ? (char)(best->result - 'a' + 'A') : best->result));
	if (array)
		ret->type = gsql_array_of(g, ret->type);
	return true;
}
