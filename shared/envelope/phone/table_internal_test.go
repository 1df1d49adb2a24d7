package phone

import (
	"flag"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nyaruka/phonenumbers"
)

var update = flag.Bool("update", false, "write numbering.tsv from the library's metadata")

func TestTheTableIsTheLibrarys(t *testing.T) {
	t.Parallel()
	want := libraryTable(t)
	if *update {
		if err := os.WriteFile("numbering.tsv", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, numbering); diff != "" {
		t.Errorf("the library's metadata has moved on; run go generate (-library +table):\n%s", diff)
	}
}

func libraryTable(t *testing.T) string {
	t.Helper()
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range all.GetMetadata() {
		code, leads := int(m.GetCountryCode()), ""
		if phonenumbers.GetRegionCodeForCountryCode(code) == m.GetId() {
			leads = "leads"
		}
		general := m.GetGeneralDesc()
		lines = append(lines, strings.Join([]string{
			m.GetId(), strconv.Itoa(code), leads, m.GetInternationalPrefix(), m.GetNationalPrefixForParsing(),
			m.GetNationalPrefixTransformRule(), general.GetNationalNumberPattern(), lengths(general.GetPossibleLength()),
		}, "\t")+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func lengths(all []int32) string {
	var out []string
	for _, n := range all {
		out = append(out, strconv.Itoa(int(n)))
	}
	return strings.Join(out, ",")
}

func TestEveryPlanCompiles(t *testing.T) {
	t.Parallel()
	all := table()
	if len(all.regions) < 240 || len(all.codes) < 210 {
		t.Errorf("%d regions and %d calling codes were read", len(all.regions), len(all.codes))
	}
	for code, p := range all.codes {
		if _, err := p.compiled(); err != nil {
			t.Errorf("+%s: %v", code, err)
		}
	}
	for region, p := range all.regions {
		if _, err := p.compiled(); err != nil {
			t.Errorf("%s: %v", region, err)
		}
		if p.main() == nil {
			t.Errorf("%s: no country leads +%s", region, p.code)
		}
	}
}
