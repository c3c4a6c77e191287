package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	googlesql "github.com/goccy/go-googlesql"
)

// An analyser is GoogleSQL's own parser and analyser, set as BigQuery has it: the external product, every released
// feature but those that BigQuery lacks.
type analyser struct {
	language *googlesql.LanguageOptions
	factory  *googlesql.TypeFactory
	builtins *googlesql.SimpleCatalog
	types    map[string]googlesql.Googlesql_TypeNode
	kept     []any // what the types belong to: the engine does not count references
}

var startEngine = sync.OnceValue(googlesql.Init)

// BigQuery compares no arrays, and knows no such types.
var notInBigQuery = []googlesql.LanguageFeature{
	googlesql.LanguageFeatureFeatureArrayEquality,
	googlesql.LanguageFeatureFeatureArrayOrdering,
	googlesql.LanguageFeatureFeatureMapType,
	googlesql.LanguageFeatureFeatureUuidType,
	googlesql.LanguageFeatureFeatureProtoBase,
}

func newAnalyser() (*analyser, error) {
	if err := startEngine(); err != nil {
		return nil, err
	}
	language, err := googlesql.NewLanguageOptionsMaximumFeatures()
	if err != nil {
		return nil, err
	}
	for _, feature := range notInBigQuery {
		err = errors.Join(err, language.DisableLanguageFeature(feature))
	}
	for _, feature := range onlyInBigQuery {
		err = errors.Join(err, language.EnableLanguageFeature(feature))
	}
	err = errors.Join(err, language.SetProductMode(googlesql.ProductModeProductExternal),
		language.SetSupportsAllStatementKinds(), language.EnableReservableKeyword("QUALIFY", true))
	if err != nil {
		return nil, err
	}
	factory, err := googlesql.NewTypeFactory()
	if err != nil {
		return nil, err
	}
	a := &analyser{language: language, factory: factory, types: map[string]googlesql.Googlesql_TypeNode{}}
	a.builtins, err = a.newCatalog()
	return a, err
}

func (a *analyser) newCatalog() (*googlesql.SimpleCatalog, error) {
	catalog, err := googlesql.NewSimpleCatalog("catalog", a.factory)
	if err != nil {
		return nil, err
	}
	return catalog, catalog.AddBuiltinFunctionsAndTypes(&googlesql.BuiltinFunctionOptions{LanguageOptions: a.language})
}

func (a *analyser) newOptions() (*googlesql.AnalyzerOptions, error) {
	options, err := googlesql.NewAnalyzerOptions2()
	if err != nil {
		return nil, err
	}
	return options, options.SetLanguage(a.language)
}

// typeOf makes a type from its name, by asking for the type of an expression.
func (a *analyser) typeOf(name string) (googlesql.Googlesql_TypeNode, error) {
	if t, ok := a.types[name]; ok {
		return t, nil
	}
	options, err := a.newOptions()
	if err != nil {
		return nil, err
	}
	out, err := googlesql.AnalyzeStatement("SELECT CAST(NULL AS "+name+")", options, a.builtins, a.factory)
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", name, err)
	}
	columns, err := outputColumns(out)
	if err != nil {
		return nil, err
	}
	a.kept = append(a.kept, out, options)
	a.types[name] = columns[0].node
	return columns[0].node, nil
}

// A column of a result, by its type as GoogleSQL writes it.
type outputColumn struct {
	name, typeName string
	node           googlesql.Googlesql_TypeNode
}

// outputColumns is nil for what is no query.
func outputColumns(out *googlesql.AnalyzerOutput) ([]outputColumn, error) {
	statement, err := out.ResolvedStatement()
	if err != nil {
		return nil, err
	}
	query, ok := statement.(*googlesql.ResolvedQueryStmt)
	if !ok {
		return nil, nil
	}
	list, err := query.OutputColumnList()
	if err != nil {
		return nil, err
	}
	columns := make([]outputColumn, len(list))
	for i, output := range list {
		name, err := output.Name()
		if err != nil {
			return nil, err
		}
		column, err := output.Column()
		if err != nil {
			return nil, err
		}
		node, err := column.Type()
		if err != nil {
			return nil, err
		}
		named, ok := node.(interface {
			TypeName(googlesql.ProductMode) (string, error)
		})
		columns[i] = outputColumn{name: name, node: node}
		if ok {
			columns[i].typeName, _ = named.TypeName(googlesql.ProductModeProductExternal)
		}
	}
	return columns, nil
}

// BigQuery has these, GoogleSQL counts them as unfinished.
var onlyInBigQuery = []googlesql.LanguageFeature{
	googlesql.LanguageFeatureFeatureAlterColumnSetDataType,
	googlesql.LanguageFeatureFeatureAlterTableRenameColumn,
}

// An invalid statement, in GoogleSQL's words.
type invalid struct{ error }

// analyse checks each statement of a script; the columns are those of the last one. An error of type invalid is the
// analyser's; any other is ours.
func (a *analyser) analyse(c *testCase) ([]outputColumn, error) {
	var columns []outputColumn

	names, err := a.newNames(c)
	if err != nil {
		return nil, err
	}
	defer runtime.KeepAlive(names)
	options, err := a.newOptions()
	if err != nil {
		return nil, err
	}
	if err := a.declare(options, c.Query.QueryParameters); err != nil {
		return nil, err
	}
	text := strings.TrimSpace(c.Query.Query)
	place, err := googlesql.NewParseResumeLocationFromString(text)
	if err != nil {
		return nil, err
	}
	for {
		at, err := place.BytePosition()
		if err != nil {
			return nil, err
		}
		if int(at) >= len(text) {
			return columns, nil
		}
		out, err := googlesql.AnalyzeNextStatement(place, options, names.catalog, a.factory)
		if err != nil {
			return nil, invalid{err}
		}
		if columns, err = outputColumns(out); err != nil {
			return nil, err
		}
		if err := names.follow(out); err != nil {
			return nil, err
		}
		names.kept = append(names.kept, out)
	}
}

// names is the catalog of one statement or script, under every path by which BigQuery finds a table.
type names struct {
	a       *analyser
	catalog *googlesql.SimpleCatalog
	under   map[string]*googlesql.SimpleCatalog
	taken   map[string]bool
	dataset string // the default one
	project string
	kept    []any
}

func (a *analyser) newNames(c *testCase) (*names, error) {
	catalog, err := a.newCatalog()
	if err != nil {
		return nil, err
	}
	n := &names{a: a, catalog: catalog, under: map[string]*googlesql.SimpleCatalog{"": catalog}, taken: map[string]bool{},
		dataset: c.Query.DefaultDataset.DatasetID, project: c.Project}
	for _, t := range c.Before {
		if err := n.addTable(t); err != nil {
			return nil, err
		}
	}
	for dataset := range c.Datasets {
		if err := n.addInformationSchema(dataset); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// What statements here ask of INFORMATION_SCHEMA, as BigQuery's documentation has it.
var informationSchema = map[string][]field{
	"TABLES": {{Name: "table_catalog", Type: "STRING"}, {Name: "table_schema", Type: "STRING"},
		{Name: "table_name", Type: "STRING"}, {Name: "table_type", Type: "STRING"},
		{Name: "creation_time", Type: "TIMESTAMP"}, {Name: "ddl", Type: "STRING"}},
	"COLUMNS": {{Name: "table_catalog", Type: "STRING"}, {Name: "table_schema", Type: "STRING"},
		{Name: "table_name", Type: "STRING"}, {Name: "column_name", Type: "STRING"},
		{Name: "ordinal_position", Type: "INTEGER"}, {Name: "is_nullable", Type: "STRING"},
		{Name: "data_type", Type: "STRING"}, {Name: "is_partitioning_column", Type: "STRING"},
		{Name: "clustering_ordinal_position", Type: "INTEGER"}},
}

// Four names are one more than a table has; only these spellings are found.
func (n *names) addInformationSchema(dataset string) error {
	for view, fields := range informationSchema {
		var columns []outputColumn
		for _, f := range fields {
			node, err := n.a.typeOf(f.sqlType())
			if err != nil {
				return err
			}
			columns = append(columns, outputColumn{name: f.Name, node: node})
		}
		table, err := n.newTable(view, columns, nil)
		if err != nil {
			return err
		}
		err = errors.Join(n.put(table, dataset, "INFORMATION_SCHEMA", view),
			n.put(table, n.project, dataset+".INFORMATION_SCHEMA", view))
		if err != nil {
			return err
		}
	}
	return nil
}

func (n *names) addTable(t *table) error {
	var columns []outputColumn

	for _, f := range t.Schema.Fields {
		node, err := n.a.typeOf(f.sqlType())
		if err != nil {
			return err
		}
		columns = append(columns, outputColumn{name: f.Name, node: node})
	}
	path := []string{t.Name.ProjectID, t.Name.DatasetID, t.Name.TableID}
	if p := t.TimePartitioning; p == nil || p.Field != "" {
		return n.add(path, columns, nil)
	}
	pseudo := []outputColumn{}
	for name, kind := range map[string]string{"_PARTITIONTIME": "TIMESTAMP", "_PARTITIONDATE": "DATE"} {
		node, err := n.a.typeOf(kind)
		if err != nil {
			return err
		}
		pseudo = append(pseudo, outputColumn{name: name, node: node})
	}
	return n.add(path, columns, pseudo)
}

func (n *names) newTable(name string, columns, pseudo []outputColumn) (*googlesql.SimpleTable, error) {
	table, err := googlesql.NewSimpleTable(name, 0)
	if err != nil {
		return nil, err
	}
	n.kept = append(n.kept, table)
	for i, c := range slices.Concat(columns, pseudo) {
		column, err := googlesql.NewSimpleColumn(name, c.name, c.node, i >= len(columns), true)
		if err != nil {
			return nil, err
		}
		if err := table.AddColumn2(column, false); err != nil {
			return nil, err
		}
		n.kept = append(n.kept, column)
	}
	return table, nil
}

func (n *names) add(path []string, columns, pseudo []outputColumn) error {
	table, err := n.newTable(path[len(path)-1], columns, pseudo)
	if err != nil {
		return err
	}
	if len(path) == 3 {
		return errors.Join(n.put(table, path...), n.put(table, path[1:]...), n.putDefault(table, path))
	}
	return n.put(table, path...)
}

func (n *names) putDefault(table *googlesql.SimpleTable, path []string) error {
	if path[1] != n.dataset {
		return nil
	}
	return n.put(table, path[2])
}

// put adds the table under the path, however its dots are quoted: a.b, `a.b`, and so on.
func (n *names) put(table *googlesql.SimpleTable, path ...string) error {
	for cut := range len(path) {
		parent, err := n.below(strings.Join(path[:cut], "."))
		if err != nil {
			return err
		}
		name := strings.Join(path[cut:], ".")
		// The catalog ignores case, and aborts on a name that it has.
		key := strings.ToLower(strings.Join(path[:cut], ".") + "/" + name)
		if n.taken[key] {
			continue
		}
		n.taken[key] = true
		if err := parent.AddTable2(name, table); err != nil {
			return err
		}
		// p.d behind a project p has both p → d and `p.d`.
		if cut == 2 {
			project, err := n.below(path[0])
			if err != nil {
				return err
			}
			if err := n.nest(project, path[0], path[1], parent); err != nil {
				return err
			}
		}
	}
	return nil
}

// below is the catalog of a project, of a dataset, or of "project.dataset".
func (n *names) below(name string) (*googlesql.SimpleCatalog, error) {
	key := strings.ToLower(name)
	if c, ok := n.under[key]; ok {
		return c, nil
	}
	c, err := googlesql.NewSimpleCatalog(name, n.a.factory)
	if err != nil {
		return nil, err
	}
	n.under[key] = c
	return c, n.catalog.AddCatalog2(name, c)
}

func (n *names) nest(parent *googlesql.SimpleCatalog, project, name string, child *googlesql.SimpleCatalog) error {
	key := strings.ToLower(project + "//" + name)
	if n.taken[key] {
		return nil
	}
	n.taken[key] = true
	return parent.AddCatalog2(name, child)
}

// follow lets later statements of a script see what this one creates.
func (n *names) follow(out *googlesql.AnalyzerOutput) error {
	statement, err := out.ResolvedStatement()
	if err != nil {
		return err
	}
	created, ok := statement.(interface {
		NamePath() ([]string, error)
		ColumnDefinitionList() ([]*googlesql.ResolvedColumnDefinition, error)
	})
	if !ok {
		return nil
	}
	path, err := created.NamePath()
	if err != nil {
		return err
	}
	definitions, err := created.ColumnDefinitionList()
	if err != nil {
		return err
	}
	var columns []outputColumn
	for _, d := range definitions {
		name, err := d.Name()
		if err != nil {
			return err
		}
		node, err := d.Type()
		if err != nil {
			return err
		}
		columns = append(columns, outputColumn{name: name, node: node})
	}
	return n.add(n.fullPath(path), columns, nil)
}

func (n *names) fullPath(path []string) []string {
	full := strings.Split(strings.Join(path, "."), ".")
	if len(full) == 1 && n.dataset != "" {
		full = append([]string{n.dataset}, full...)
	}
	if len(full) == 2 {
		full = append([]string{n.project}, full...)
	}
	return full
}

type parameter struct {
	Name  string        `json:"name"`
	Type  parameterType `json:"parameterType"`
	Value struct {
		Value *string `json:"value"`
	} `json:"parameterValue"`
}

type parameterType struct {
	Type      string
	ArrayType *parameterType
}

func (a *analyser) declare(options *googlesql.AnalyzerOptions, parameters []parameter) error {
	if len(parameters) > 0 && parameters[0].Name == "" {
		if err := options.SetParameterMode(googlesql.ParameterModeParameterPositional); err != nil {
			return err
		}
	}
	for _, p := range parameters {
		node, err := a.typeOf(p.Type.sqlType())
		if err != nil {
			return err
		}
		if p.Name == "" {
			err = options.AddPositionalQueryParameter(node)
		} else {
			err = options.AddQueryParameter(p.Name, node)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t parameterType) sqlType() string {
	if t.ArrayType != nil {
		return "ARRAY<" + t.ArrayType.sqlType() + ">"
	}
	return field{Type: t.Type}.sqlType()
}
