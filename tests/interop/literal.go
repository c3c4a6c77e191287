package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The API's names of types, where GoogleSQL has others.
var sqlNames = map[string]string{"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}

func (f field) repeated() bool { return f.Mode == "REPEATED" }

// sqlType is the column's type in GoogleSQL, without its parameters.
func (f field) sqlType() string {
	name := f.Type
	if n, ok := sqlNames[name]; ok {
		name = n
	}
	if name == "STRUCT" {
		parts := make([]string, len(f.Fields))
		for i, child := range f.Fields {
			parts[i] = child.sqlType()
			if child.Name != "" {
				parts[i] = quoteName(child.Name) + " " + parts[i]
			}
		}
		name = "STRUCT<" + strings.Join(parts, ", ") + ">"
	}
	if f.repeated() {
		return "ARRAY<" + name + ">"
	}
	return name
}

func (f field) element() field {
	f.Mode = "NULLABLE"
	return f
}

func quoteName(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
}

func quoteString(s string) string {
	var b strings.Builder

	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + "'"
}

// literal is the GoogleSQL expression of a cell as tabledata.list writes it, with useInt64Timestamp.
func (f field) literal(cell json.RawMessage) (string, error) {
	if f.repeated() {
		return f.arrayLiteral(cell)
	}
	if len(cell) == 0 || string(cell) == "null" {
		return "CAST(NULL AS " + f.sqlType() + ")", nil
	}
	if f.Type == "RECORD" || f.Type == "STRUCT" {
		return f.structLiteral(cell)
	}
	var text string
	if err := json.Unmarshal(cell, &text); err != nil {
		return "", fmt.Errorf("%s: %w", f.Name, err)
	}
	switch f.Type {
	case "STRING":
		return quoteString(text), nil
	case "BYTES":
		return "FROM_BASE64('" + text + "')", nil
	case "TIMESTAMP":
		return "TIMESTAMP_MICROS(" + text + ")", nil
	case "JSON":
		return "PARSE_JSON(" + quoteString(text) + ", wide_number_mode=>'round')", nil
	case "GEOGRAPHY":
		return "ST_GEOGFROMTEXT(" + quoteString(text) + ")", nil
	}
	return "CAST(" + quoteString(text) + " AS " + f.sqlType() + ")", nil
}

func (f field) arrayLiteral(cell json.RawMessage) (string, error) {
	var elements []struct{ V json.RawMessage }

	if len(cell) > 0 {
		if err := json.Unmarshal(cell, &elements); err != nil {
			return "", fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	parts := make([]string, len(elements))
	for i, e := range elements {
		text, err := f.element().literal(e.V)
		if err != nil {
			return "", err
		}
		parts[i] = text
	}
	return f.sqlType() + "[" + strings.Join(parts, ", ") + "]", nil
}

func (f field) structLiteral(cell json.RawMessage) (string, error) {
	var r row

	if err := json.Unmarshal(cell, &r); err != nil {
		return "", fmt.Errorf("%s: %w", f.Name, err)
	}
	text, err := r.literal(f.Fields)
	return f.sqlType() + text, err
}

// literal is the whole row in parentheses.
func (r row) literal(fields []field) (string, error) {
	parts := make([]string, len(fields))
	for i, f := range fields {
		if i >= len(r.F) {
			return "", fmt.Errorf("a row has no cell for %s", f.Name)
		}
		text, err := f.literal(r.F[i].V)
		if err != nil {
			return "", err
		}
		parts[i] = text
	}
	return "(" + strings.Join(parts, ", ") + ")", nil
}
