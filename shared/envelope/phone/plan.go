package phone

import (
	_ "embed" // the numbering table
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxCode is the longest calling code, in digits.
const maxCode = 3

// numbering holds one line per country or worldwide service, sorted, with tabs between the columns of [plan].
//
//go:embed numbering.tsv
var numbering string

// plan is a country's numbering plan: how numbers are dialled there.
type plan struct {
	region   string // ISO 3166; `001` for worldwide services
	code     string // calling code
	leads    bool   // whether the country speaks for all that share its code
	exit     string // pattern of what is dialled before a foreign calling code
	trunk    string // pattern of what is dialled before a national number
	rewrite  string // what a trunk prefix is replaced by, when it is not just dropped
	numbers  string // pattern of national numbers in use
	lengths  []int  // of national numbers, ascending
	compiled func() (*patterns, error)
}

type patterns struct{ exit, trunk, numbers *regexp.Regexp }

// plans finds a plan by its country, and the leading one by calling code.
type plans struct {
	regions map[string]*plan
	codes   map[string]*plan
}

// table splits the numbering table on first use.
//
//nolint:gochecknoglobals // an embedded table, read once and never changed
var table = sync.OnceValue(func() plans {
	all := plans{regions: make(map[string]*plan, 256), codes: make(map[string]*plan, 256)}
	for line := range strings.Lines(numbering) {
		p := parsePlan(strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
		if p == nil {
			continue // the tests see to it that there is none
		}
		if p.region != "001" {
			all.regions[p.region] = p
		}
		if p.leads {
			all.codes[p.code] = p
		}
	}
	return all
})

func parsePlan(columns []string) *plan {
	if len(columns) != 8 {
		return nil
	}
	p := &plan{
		region: columns[0], code: columns[1], leads: columns[2] == "leads", exit: columns[3], trunk: columns[4],
		rewrite: columns[5], numbers: columns[6], lengths: parseLengths(columns[7]),
	}
	p.compiled = sync.OnceValues(p.compile)
	return p
}

func parseLengths(column string) []int {
	var out []int
	for part := range strings.SplitSeq(column, ",") {
		if n, err := strconv.Atoi(part); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func (p *plan) compile() (*patterns, error) {
	exit, err := regexp.Compile(`^(?:` + p.exit + `)`)
	if err != nil {
		return nil, err
	}
	trunk, err := regexp.Compile(`^(?:` + p.trunk + `)`)
	if err != nil {
		return nil, err
	}
	numbers, err := regexp.Compile(`^(?:` + p.numbers + `)$`)
	if err != nil {
		return nil, err
	}
	return &patterns{exit: exit, trunk: trunk, numbers: numbers}, nil
}

// main returns the plan of the country that speaks for all with this calling code.
func (p *plan) main() *plan { return table().codes[p.code] }

// afterExitCode returns what follows the prefix that is dialled here before a foreign calling code.
func (p *plan) afterExitCode(digits string) (rest string, found bool) {
	rules, err := p.compiled()
	if err != nil {
		return "", false
	}
	at := rules.exit.FindStringIndex(digits)
	if at == nil || strings.HasPrefix(digits[at[1]:], "0") { // no calling code begins with 0
		return "", false
	}
	return digits[at[1]:], true
}

// afterOwnCode returns what follows the country's own calling code, where somebody left out the plus: only when the
// digits make no number with it and make one without it, or are too many.
func (p *plan) afterOwnCode(digits string) (national string, found bool) {
	rules, err := p.compiled()
	rest, found := strings.CutPrefix(digits, p.code)
	if err != nil || !found {
		return "", false
	}
	rest = p.withoutTrunk(rest)
	better := !rules.numbers.MatchString(digits) && rules.numbers.MatchString(rest)
	return rest, better || p.tooLong(digits)
}

// significant returns the national number without the prefix that is dialled before it, where what is left can be one.
func (p *plan) significant(national string) string {
	if rest := p.withoutTrunk(national); p.possible(rest) {
		return rest
	}
	return national
}

// withoutTrunk drops or rewrites the prefix that is dialled before a national number, unless that would break a number
// that is one already.
func (p *plan) withoutTrunk(national string) string {
	rules, err := p.compiled()
	if err != nil || p.trunk == "" {
		return national
	}
	groups := rules.trunk.FindStringSubmatchIndex(national)
	if groups == nil {
		return national
	}
	rest := national[groups[1]:]
	if p.rewrite != "" && groups[len(groups)-2] >= 0 {
		rest = rules.trunk.ReplaceAllString(national, p.rewrite)
	}
	if rules.numbers.MatchString(national) && !rules.numbers.MatchString(rest) {
		return national
	}
	return rest
}

// possible tells whether a whole national number, area code included, may be so long.
func (p *plan) possible(national string) bool { return slices.Contains(p.lengths, len(national)) }

func (p *plan) tooLong(national string) bool {
	return len(p.lengths) > 0 && len(national) > p.lengths[len(p.lengths)-1]
}
