package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	googlesqlite "github.com/goccy/googlesqlite"
)

// An engine is a database of its own in which statements run.
type engine struct {
	db   *sql.DB
	conn *sql.Conn
}

var background = context.Background()

func newEngine(project, dataset string) (*engine, error) {
	db, err := sql.Open("googlesqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	conn, err := db.Conn(background)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	path := []string{project}
	if dataset != "" {
		path = append(path, dataset)
	}
	err = conn.Raw(func(raw any) error {
		c := raw.(*googlesqlite.Conn)
		c.SetMaxNamePath(3)
		return c.SetNamePath(path)
	})
	if err != nil {
		return nil, errors.Join(err, conn.Close(), db.Close())
	}
	return &engine{db, conn}, nil
}

// close waits a little only: after some errors the emulator waits for itself for ever.
func (e *engine) close() {
	closed := make(chan struct{})
	go func() {
		_ = errors.Join(e.conn.Close(), e.db.Close())
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(2 * time.Second):
	}
}

func (n tableName) sql() string {
	return quoteName(n.ProjectID) + "." + quoteName(n.DatasetID) + "." + quoteName(n.TableID)
}

func (e *engine) exec(statement string) error {
	_, err := e.conn.ExecContext(background, statement)
	return err
}

// create makes a table of these columns with these rows.
func (e *engine) create(name string, fields []field, rows []row) error {
	columns := make([]string, len(fields))
	for i, f := range fields {
		columns[i] = quoteName(f.Name) + " " + f.sqlType()
		if f.Mode == "REQUIRED" {
			columns[i] += " NOT NULL"
		}
	}
	if err := e.exec("CREATE TABLE " + name + " (" + strings.Join(columns, ", ") + ")"); err != nil {
		return err
	}
	for some := range slices.Chunk(rows, 100) {
		values := make([]string, len(some))
		for i, r := range some {
			text, err := r.literal(fields)
			if err != nil {
				return err
			}
			values[i] = text
		}
		if err := e.exec("INSERT INTO " + name + " VALUES " + strings.Join(values, ", ")); err != nil {
			return err
		}
	}
	return nil
}

// fill copies localcloud's tables; views last, those of views after them.
func (e *engine) fill(tables []*table) error {
	var views []*table

	for _, t := range tables {
		if t.Type == "VIEW" {
			views = append(views, t)
		} else if err := e.create(t.Name.sql(), t.Schema.Fields, t.Rows); err != nil {
			return fmt.Errorf("table %s: %w", t.Name.TableID, err)
		}
	}
	for len(views) > 0 {
		var failed []*table
		var last error
		for _, v := range views {
			if err := e.exec("CREATE VIEW " + v.Name.sql() + " AS " + v.View.Query); err != nil {
				failed, last = append(failed, v), fmt.Errorf("view %s: %w", v.Name.TableID, err)
			}
		}
		if len(failed) == len(views) {
			return last
		}
		views = failed
	}
	return nil
}

// query runs a statement; each row of its result is one string, sorted. The fields say which columns are arrays: BigQuery
// shows NULL there as an array of nothing.
func (e *engine) query(statement string, fields []field, arguments ...any) ([]string, error) {
	rows, err := e.conn.QueryContext(background, statement, arguments...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var lines []string
	for rows.Next() {
		cells, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range cells {
			places[i] = &cells[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		for i := range fields {
			if i < len(cells) && cells[i] == nil && fields[i].repeated() {
				cells[i] = []any{}
			}
			if i < len(cells) && fields[i].age {
				cells[i] = "an age"
			}
		}
		line, err := json.Marshal(printable(cells))
		if err != nil {
			return nil, err
		}
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	return lines, rows.Err()
}

// printable spells what JSON cannot: NaN and the infinities, and whether a number was INT64 or FLOAT64.
func printable(v any) any {
	switch v := v.(type) {
	case []any:
		cells := make([]any, len(v))
		for i := range v {
			cells[i] = printable(v[i])
		}
		return cells
	case float64:
		return "float " + strconv.FormatFloat(v, 'g', -1, 64)
	}
	return v
}

// Why a statement cannot be run here, in words; empty when it can.
func (c *testCase) notRun() string {
	for _, t := range append(slices.Clone(c.Before), c.After...) {
		switch {
		case t.Many:
			return "a table has more rows than are copied"
		case t.TimePartitioning != nil && t.TimePartitioning.Field == "":
			return "no ingestion time in the emulator"
		}
	}
	for _, p := range c.Query.QueryParameters {
		if _, err := p.argument(); err != nil {
			return err.Error()
		}
	}
	return ""
}

func (p parameter) argument() (any, error) {
	var value any
	var err error

	if p.Value.Value == nil {
		return nil, errors.New("a parameter that is NULL or an array")
	}
	text := *p.Value.Value
	switch p.Type.sqlType() {
	case "STRING":
		value = text
	case "INT64":
		value, err = strconv.ParseInt(text, 10, 64)
	case "FLOAT64":
		value, err = strconv.ParseFloat(text, 64)
	case "BOOL":
		value, err = strconv.ParseBool(text)
	case "TIMESTAMP":
		value, err = time.Parse(time.RFC3339Nano, text)
	default:
		err = fmt.Errorf("a parameter of type %s", p.Type.sqlType())
	}
	if p.Name != "" {
		value = sql.Named(p.Name, value)
	}
	return value, err
}

// run lets the emulator do the statement on the tables as they were. It returns the result and the tables as they are.
func run(c *testCase) (result []string, tables map[string][]string, err error) {
	e, err := newEngine(c.Project, c.Query.DefaultDataset.DatasetID)
	if err != nil {
		return nil, nil, err
	}
	defer e.close()
	if err := e.fill(c.Before); err != nil {
		return nil, nil, notFilled{err}
	}
	var arguments []any
	for _, p := range c.Query.QueryParameters {
		argument, err := p.argument()
		if err != nil {
			return nil, nil, err
		}
		arguments = append(arguments, argument)
	}
	statement, err := e.materialise(c.atItsTime(runnable(c.Query.Query)))
	if err != nil {
		return nil, nil, err
	}
	var fields []field
	if c.Result != nil {
		fields = c.Result.Fields
	}
	if result, err = e.query(statement, fields, arguments...); err != nil {
		return nil, nil, err
	}
	tables, err = e.contents(c.After)
	return result, tables, err
}

// runnable says in other words what the emulator does wrong: NULL IS TRUE and NULL IS NOT TRUE are NULL to it, and it loses
// a Z that follows %E6S.
func runnable(statement string) string {
	statement = secondsZ.ReplaceAllString(statement, "CONCAT(FORMAT_TIMESTAMP('$1', $2), 'Z')")
	statement = isNotTrue.ReplaceAllString(statement, "COALESCE(NOT $1, TRUE)")
	return isTrue.ReplaceAllString(statement, "COALESCE($1, FALSE)")
}

// atItsTime makes it the same now in both: localcloud's.
func (c *testCase) atItsTime(statement string) string {
	return now.ReplaceAllString(statement, fmt.Sprintf("TIMESTAMP_MICROS(%d)", c.now()))
}

// markAges finds the result that depends on now: the first unnamed integer of a statement that asks for the time.
func (c *testCase) markAges() {
	if c.Result == nil || !now.MatchString(c.Query.Query) {
		return
	}
	for i := range c.Result.Fields {
		f := &c.Result.Fields[i]
		if f.Type == "INTEGER" && unnamed.MatchString(f.Name) {
			f.age = true
			return
		}
	}
}

// now is the moment of localcloud's work that it wrote into a table; any, where it wrote none.
func (c *testCase) now() int64 {
	for _, t := range c.After {
		for _, r := range t.Rows {
			for i, f := range t.Schema.Fields {
				var text string
				if f.Type != "TIMESTAMP" || i >= len(r.F) || json.Unmarshal(r.F[i].V, &text) != nil {
					continue
				}
				at, err := strconv.ParseInt(text, 10, 64)
				if err == nil && at >= c.From && at <= c.To {
					return at
				}
			}
		}
	}
	return c.From
}

var unnamed = regexp.MustCompile(`^f[0-9]+_$`)

var now = regexp.MustCompile(`\bCURRENT_TIMESTAMP\(\)`)

var (
	secondsZ  = regexp.MustCompile(`FORMAT_TIMESTAMP\('([^']*%E6S)Z', ([^()]*)\)`)
	isNotTrue = regexp.MustCompile("((?:\\w+\\.)?`[^`]*`) IS NOT TRUE")
	isTrue    = regexp.MustCompile("((?:\\w+\\.)?`[^`]*`) IS TRUE")
)

// The emulator merges only from a table: a subquery behind USING is made one, by the emulator itself.
func (e *engine) materialise(statement string) (string, error) {
	using := mergeUsing.FindStringSubmatchIndex(statement)
	if using == nil {
		return statement, nil
	}
	open := using[3]
	end := closing(statement, open)
	if end < 0 {
		return statement, nil
	}
	err := e.exec("CREATE TABLE the_source AS " + statement[open+1:end])
	return statement[:open] + "the_source" + statement[end+1:], err
}

// Where the parenthesis at open is closed, or -1; quotes hide parentheses.
func closing(text string, open int) int {
	quote, depth := byte(0), 0

	for i := open; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

var mergeUsing = regexp.MustCompile(`(?is)^\s*MERGE\b.*?(\sUSING\s+)\(`)

// The emulator cannot hold what localcloud holds.
type notFilled struct{ error }

func (e *engine) contents(tables []*table) (map[string][]string, error) {
	contents := map[string][]string{}

	for _, t := range tables {
		if t.Type == "VIEW" {
			continue
		}
		columns := make([]string, len(t.Schema.Fields))
		for i, f := range t.Schema.Fields {
			columns[i] = quoteName(f.Name)
		}
		lines, err := e.query("SELECT "+strings.Join(columns, ", ")+" FROM "+t.Name.sql(), t.Schema.Fields)
		if err != nil {
			return nil, fmt.Errorf("afterwards, table %s: %w", t.Name.TableID, err)
		}
		contents[t.Name.TableID] = lines
	}
	return contents, nil
}

// expected is what localcloud has, written as run writes it: the emulator only holds it.
func expected(c *testCase) (result []string, tables map[string][]string, err error) {
	e, err := newEngine(c.Project, "")
	if err != nil {
		return nil, nil, err
	}
	defer e.close()
	var kept []*table
	for _, t := range c.After {
		if t.Type != "VIEW" {
			kept = append(kept, t)
		}
	}
	if err := e.fill(kept); err != nil {
		return nil, nil, err
	}
	if tables, err = e.contents(kept); err != nil || c.Result == nil {
		return nil, tables, err
	}
	fields := slices.Clone(c.Result.Fields)
	for i := range fields {
		fields[i].Name = fmt.Sprintf("c%d", i) // names may be there twice
		if !fields[i].repeated() {
			fields[i].Mode = "NULLABLE"
		}
	}
	if err := e.create("the_result", fields, c.Result.Rows); err != nil {
		return nil, nil, err
	}
	result, err = e.query("SELECT * FROM the_result", fields)
	return result, tables, err
}
