package storage

import (
	"net/http"
	"net/url"
	"strconv"
)

// conditions say which generation and metageneration of an object a request is about
// (https://cloud.google.com/storage/docs/request-preconditions).
type conditions struct {
	generation                                       int64 // the one that is named; 0 for the present one
	match, notMatch, metaMatch, metaNotMatch         int64
	matches, notMatches, metaMatches, metaNotMatches bool // whether each is there
}

// conditionsOf reads conditions from a query, of the object itself or, with the prefix Source, of one that is copied.
func conditionsOf(q url.Values, prefix string) (c conditions, err error) {
	generation := "generation"
	if prefix != "" {
		generation = "sourceGeneration"
	}
	var named bool
	for name, into := range map[string]struct {
		value *int64
		there *bool
	}{
		generation:                               {&c.generation, &named},
		"if" + prefix + "GenerationMatch":        {&c.match, &c.matches},
		"if" + prefix + "GenerationNotMatch":     {&c.notMatch, &c.notMatches},
		"if" + prefix + "MetagenerationMatch":    {&c.metaMatch, &c.metaMatches},
		"if" + prefix + "MetagenerationNotMatch": {&c.metaNotMatch, &c.metaNotMatches},
	} {
		if *into.there = q.Has(name); !*into.there {
			continue
		}
		if *into.value, err = strconv.ParseInt(q.Get(name), 10, 64); err != nil {
			return c, invalid("Invalid value for %s: %q.", name, q.Get(name))
		}
	}
	return c, nil
}

// checkRead refuses to read an object that is not as the conditions want it.
func (c conditions) checkRead(o *object) error {
	if err := c.checkNamed(o); err != nil {
		return err
	}
	if c.notMatches && o.Generation == c.notMatch || c.metaNotMatches && o.Metageneration == c.metaNotMatch {
		return &refusal{http.StatusNotModified, "notModified", "Not Modified"}
	}
	return c.checkMatch(o)
}

// checkChange refuses to change or delete an object that is not as the conditions want it.
func (c conditions) checkChange(o *object) error {
	if err := c.checkNamed(o); err != nil {
		return err
	}
	return c.checkWrite(o)
}

// checkWrite refuses to write an object in the place of another one, nil for none, that is not as the conditions want it.
func (c conditions) checkWrite(o *object) error {
	var generation, metageneration int64
	if o != nil {
		generation, metageneration = o.Generation, o.Metageneration
	}
	if c.notMatches && generation == c.notMatch || c.metaNotMatches && metageneration == c.metaNotMatch {
		return errCondition
	}
	return c.checkMatch(o)
}

func (c conditions) checkNamed(o *object) error {
	if c.generation != 0 && c.generation != o.Generation {
		return notFound("object", o.Bucket+"/"+o.Name)
	}
	return nil
}

func (c conditions) checkMatch(o *object) error {
	var generation, metageneration int64
	if o != nil {
		generation, metageneration = o.Generation, o.Metageneration
	}
	if c.matches && generation != c.match || c.metaMatches && metageneration != c.metaMatch {
		return errCondition
	}
	return nil
}

var errCondition = &refusal{http.StatusPreconditionFailed, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."}
