/*
 * The shortest decimal text that reads back as the same float or double, and
 * of those the one nearest to the value: what JSON numbers should be. No
 * locale, no memory, no printf.
 *
 * The shape is that of PostgreSQL: "0.1", "-12",
 * "1e+20", "1.5e-07": exponents below -4 or from 15 on (6 for float) are
 * written, with a sign and at least two digits. Negative zero is "-0.0",
 * because a JSON reader may take "-0" for the integer 0.
 *
 * The value must be finite: NaN and the infinities have no JSON number.
 */
#ifndef SLUICE_LIB_DOUBLE_H
#define SLUICE_LIB_DOUBLE_H

/* Room that the longest text needs, "-1.7976931348623157e+308" (24 bytes). */
enum { DOUBLE_TEXT_MAX = 32 };

/* Write at out, which has DOUBLE_TEXT_MAX bytes; returns the end. No NUL. */
char *double_write(char *out, double value);
char *double_write_float(char *out, float value);

#endif
