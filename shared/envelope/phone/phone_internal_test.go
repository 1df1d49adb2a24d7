package phone

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"pgregory.net/rapid"
)

func TestE164(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ number, region, want string }{
		{"070-123 45 67", "SE", "+46701234567"},
		{"0046 70 123 45 67", "SE", "+46701234567"},
		{"+46 (0)70-123 45 67", "SE", "+46701234567"},
		{"46701234567", "SE", "+46701234567"},
		{"+0046701234567", "SE", "+46701234567"},
		{"tel:+46-70-123-45-67", "", "+46701234567"},
		{"\u202a+46 70 123 45 67\u202c", "", "+46701234567"},
		{"＋４６ ７０ １２３ ４５ ６７", "", "+46701234567"},
		{"٠٧٠-١٢٣ ٤٥ ٦٧", "se", "+46701234567"},
		{"06\u202f12\u202f34\u202f56\u202f78", "FR", "+33612345678"},
		{"Tel. 070–123\u200945\u200967", "SE", "+46701234567"},
		{"Mobile: +46701234567", "", "+46701234567"},
		{"070-123 45 67 (mobile)", "SE", "+46701234567"},
		{"070-123 45 67, Astrid", "SE", "+46701234567"},
		{"+46 70 123 45 67\n", "", "+46701234567"},
		{"06 12 34 56 78", "FR", "+33612345678"},
		{"06 698 12345", "IT", "+390669812345"},
		{"(650) 253-0000 ext. 12", "US", "+16502530000"},
		{"+1 650 253 0000,,1234#", "GB", "+16502530000"},
		{"+1-650-253-0000;ext=12", "", "+16502530000"},
		{"8 (800) 555-35-35", "RU", "+78005553535"},
		{"800 555 35 35", "RU", "+78005553535"},
		{"011 15-2345-6789", "AR", "+5491123456789"},
		{"0 11 98765-4321", "BR", "+5511987654321"},
		{"+800 1234 5678", "", "+80012345678"},
		{"34 100 000 000", "ES", "+34100000000"},
		{"070-123 45 67", "", ""},
		{"070-123 45 67", "ZZ", ""},
		{"070-123 45 67", "001", ""},
		{"253-0000", "US", ""},
		{"1-800-FLOWERS", "US", ""},
		{"+999 123456", "SE", ""},
		{"+46", "SE", ""},
		{"", "SE", ""},
		{"12", "SE", ""},
		{"astrid", "SE", ""},
		{"070-123 45 67 or 68", "SE", ""},
		{"070-123\xff45 67", "SE", ""},
		{"46701234567+", "SE", ""},
		{strings.Repeat("0", 300), "SE", ""},
	} {
		if got, ok := E164(c.number, c.region); got != c.want || ok != (c.want != "") {
			t.Errorf("E164(%q, %q) = %q, %t; want %q", c.number, c.region, got, ok, c.want)
		}
	}
}

// judge is what the library makes of a number.
func judge(number, region string) (string, bool) {
	parsed, err := phonenumbers.Parse(number, region)
	if err != nil || phonenumbers.IsPossibleNumberWithReason(parsed) != phonenumbers.IS_POSSIBLE {
		return "", false
	}
	return phonenumbers.Format(parsed, phonenumbers.E164), true
}

func TestEveryCountrysExamplesAreReadAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	kinds := []phonenumbers.PhoneNumberType{
		phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.TOLL_FREE, phonenumbers.VOIP,
		phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.UAN,
	}
	formats := []phonenumbers.PhoneNumberFormat{
		phonenumbers.E164, phonenumbers.INTERNATIONAL, phonenumbers.NATIONAL, phonenumbers.RFC3966,
	}
	seen := 0
	for region := range table().regions {
		for _, kind := range kinds {
			example := phonenumbers.GetExampleNumberForType(region, kind)
			if example == nil {
				continue
			}
			for _, format := range formats {
				agree(t, phonenumbers.Format(example, format), region)
				seen++
			}
			agree(t, phonenumbers.FormatOutOfCountryCallingNumber(example, "SE"), "SE")
		}
	}
	if seen < 2000 {
		t.Errorf("only %d examples were compared", seen)
	}
}

func TestEveryNumberIsReadAsTheLibraryReadsIt(t *testing.T) {
	t.Parallel()
	regions := slices.Sorted(maps.Keys(table().regions))
	codes := slices.Sorted(maps.Keys(table().codes))
	rapid.Check(t, func(rt *rapid.T) {
		prefix := rapid.OneOf(
			rapid.SampledFrom([]string{"", "", "0", "00", "+", "+00", "011", "8", "1"}),
			rapid.Map(rapid.SampledFrom(codes), func(code string) string { return "+" + code }),
			rapid.Map(rapid.SampledFrom(codes), func(code string) string { return "00" + code }),
			rapid.SampledFrom(codes),
		).Draw(rt, "prefix")
		rest := rapid.StringMatching(`[ (]?(0\) ?)?[0-9]{0,5}[ /.-]?[0-9]{0,4}[- ]?[0-9]{0,5}`).Draw(rt, "rest")
		agree(rt, prefix+rest, rapid.SampledFrom(regions).Draw(rt, "region"))
	})
}

type failer interface {
	Helper()
	Errorf(format string, args ...any)
}

func agree(t failer, number, region string) {
	t.Helper()
	got, ok := E164(number, region)
	want, wantOK := judge(number, region)
	if got != want || ok != wantOK {
		t.Errorf("E164(%q, %q) = %q, %t; the library says %q, %t", number, region, got, ok, want, wantOK)
	}
}

func FuzzE164(f *testing.F) {
	f.Add("+46 (0)70-123 45 67", "SE")
	f.Add("011 15-2345-6789", "AR")
	f.Add("tel:+1-650-253-0000;ext=12", "")
	f.Add("ext", "US")
	f.Fuzz(func(t *testing.T, number, region string) {
		once, ok := E164(number, region)
		if !ok {
			if once != "" {
				t.Errorf("E164(%q, %q) = %q, not ok", number, region, once)
			}
			return
		}
		if len(once) < 4 || len(once) > 1+maxCode+17 || strings.Trim(once[1:], "0123456789") != "" {
			t.Errorf("E164(%q, %q) = %q", number, region, once)
		}
	})
}

func BenchmarkE164(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := E164("070-123 45 67", "SE"); !ok {
			b.Fatal("not read")
		}
	}
}
