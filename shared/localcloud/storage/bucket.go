package storage

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// bucketResource is what is known of a bucket (https://cloud.google.com/storage/docs/json_api/v1/buckets).
type bucketResource struct {
	Kind            string            `json:"kind"`
	ID              string            `json:"id"`
	Name            string            `json:"name"`
	Metageneration  int64             `json:"metageneration,string"`
	Location        string            `json:"location"`
	StorageClass    string            `json:"storageClass"`
	TimeCreated     time.Time         `json:"timeCreated"`
	Updated         time.Time         `json:"updated"`
	Labels          map[string]string `json:"labels,omitempty"`
	RetentionPolicy *retentionPolicy  `json:"retentionPolicy,omitempty"`
}

// retentionPolicy is for how long no object of a bucket can be deleted or replaced.
type retentionPolicy struct {
	Period    int64     `json:"retentionPeriod,string"` // seconds
	Effective time.Time `json:"effectiveTime"`
	Locked    bool      `json:"isLocked,omitempty"` // can only become longer, and stays
}

// bucket is a bucket with its objects. It is guarded by the server's mutex.
type bucket struct {
	bucketResource
	objects map[string]*object
	sorted  []string // the names of the objects; nil when they have changed
}

// names are the objects' names, sorted.
func (b *bucket) names() []string {
	if b.sorted == nil {
		b.sorted = slices.Sorted(maps.Keys(b.objects))
	}
	return b.sorted
}

// put makes an object the present one of its name; nil makes it absent.
func (b *bucket) put(name string, o *object) {
	_, there := b.objects[name]
	if o == nil {
		delete(b.objects, name)
	} else {
		b.objects[name] = o
	}
	if there != (o != nil) {
		b.sorted = nil
	}
}

var bucketName = regexp.MustCompile(`^[a-z0-9][-a-z0-9_.]{1,220}[a-z0-9]$`)

// addBucket makes a bucket as it was asked for.
func (s *Server) addBucket(asked *bucketResource) (*bucketResource, error) {
	if !bucketName.MatchString(asked.Name) {
		return nil, invalid("Invalid bucket name: %q.", asked.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[asked.Name] != nil {
		return nil, conflict("Your previous request to create the named bucket succeeded and you already own it.")
	}
	now := s.now().UTC()
	r := bucketResource{
		Kind: "storage#bucket", ID: asked.Name, Name: asked.Name, Metageneration: 1, Location: "EU", StorageClass: "STANDARD",
		TimeCreated: now, Updated: now, Labels: asked.Labels,
	}
	if asked.RetentionPolicy != nil {
		r.RetentionPolicy = &retentionPolicy{Period: asked.RetentionPolicy.Period}
	}
	if err := s.checkPolicy(nil, r.RetentionPolicy); err != nil {
		return nil, err
	}
	if err := s.disk.saveBucket(&r); err != nil {
		return nil, err
	}
	s.buckets[asked.Name] = &bucket{bucketResource: r, objects: map[string]*object{}}
	return &r, nil
}

func (s *Server) insertBucket(_ http.ResponseWriter, r *http.Request) (any, error) {
	patch, err := readPatch(r)
	if err != nil {
		return nil, err
	}
	if err := checkBucket(patch); err != nil {
		return nil, err
	}
	var asked bucketResource
	if err := patch.onto(&asked); err != nil {
		return nil, err
	}
	return s.addBucket(&asked)
}

// checkBucket refuses what this store would not do.
func checkBucket(patch patch) error {
	for field, why := range map[string]string{
		"lifecycle": "lifecycle rules are not carried out here", "softDeletePolicy": "nothing is deleted softly here",
		"objectRetention": "single objects cannot be retained here",
	} {
		if v, ok := patch[field]; ok && v != nil {
			return invalid("%s: %s.", field, why)
		}
	}
	if versioning, ok := patch["versioning"].(map[string]any); ok && versioning["enabled"] == true {
		return invalid("versioning: objects have one generation here.")
	}
	return nil
}

// bucket finds a bucket. It is called with the lock held.
func (s *Server) bucket(name string) (*bucket, error) {
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	return nil, &refusal{http.StatusNotFound, "notFound", "The specified bucket does not exist."}
}

func (s *Server) getBucket(_ http.ResponseWriter, r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(r.PathValue("bucket"))
	if err != nil {
		return nil, err
	}
	return b.bucketResource, nil
}

func (s *Server) listBuckets(http.ResponseWriter, *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []bucketResource{}
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		items = append(items, s.buckets[name].bucketResource)
	}
	return map[string]any{"kind": "storage#buckets", "items": items}, nil
}

func (s *Server) patchBucket(_ http.ResponseWriter, r *http.Request) (any, error) {
	patch, err := readPatch(r)
	if err != nil {
		return nil, err
	}
	if err := checkBucket(patch); err != nil {
		return nil, err
	}
	return s.changeBucket(r, func(b *bucketResource) error {
		before := *b
		if err := patch.onto(b); err != nil {
			return err
		}
		b.Kind, b.ID, b.Name, b.TimeCreated = before.Kind, before.ID, before.Name, before.TimeCreated
		return s.checkPolicy(before.RetentionPolicy, b.RetentionPolicy)
	})
}

const maxRetention = 100 * 365 * 24 * 60 * 60 // seconds, a hundred years

// checkPolicy refuses to weaken a policy that is locked, and dates one that is new.
func (s *Server) checkPolicy(before, now *retentionPolicy) error {
	if before != nil && before.Locked && (now == nil || now.Period < before.Period) {
		return forbidden("forbidden", "The retention policy is locked: it can neither be removed nor made shorter.")
	}
	if now == nil {
		return nil
	}
	if now.Period <= 0 || now.Period > maxRetention {
		return invalid("Invalid retention period: it is 1 to %d seconds.", maxRetention)
	}
	if before == nil {
		now.Effective, now.Locked = s.now().UTC(), false
	} else {
		now.Effective, now.Locked = before.Effective, before.Locked
	}
	return nil
}

// lockBucket makes a retention policy one that stays.
func (s *Server) lockBucket(_ http.ResponseWriter, r *http.Request) (any, error) {
	if !r.URL.Query().Has("ifMetagenerationMatch") {
		return nil, invalid("ifMetagenerationMatch is required.")
	}
	return s.changeBucket(r, func(b *bucketResource) error {
		if b.RetentionPolicy == nil {
			return invalid("Bucket %s has no retention policy.", b.Name)
		}
		locked := *b.RetentionPolicy
		locked.Locked = true
		b.RetentionPolicy = &locked
		return nil
	})
}

// changeBucket changes a bucket that is as the request's conditions want it.
func (s *Server) changeBucket(r *http.Request, change func(*bucketResource) error) (any, error) {
	c, err := conditionsOf(r.URL.Query(), "")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(r.PathValue("bucket"))
	if err != nil {
		return nil, err
	}
	if c.metaMatches && c.metaMatch != b.Metageneration || c.metaNotMatches && c.metaNotMatch == b.Metageneration {
		return nil, errCondition
	}
	changed := b.bucketResource
	if err := change(&changed); err != nil {
		return nil, err
	}
	changed.Metageneration, changed.Updated = b.Metageneration+1, s.now().UTC()
	if err := s.disk.saveBucket(&changed); err != nil {
		return nil, err
	}
	b.bucketResource = changed
	return changed, nil
}

func (s *Server) deleteBucket(_ http.ResponseWriter, r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(r.PathValue("bucket"))
	if err != nil {
		return nil, err
	}
	if len(b.objects) > 0 {
		return nil, conflict("The bucket you tried to delete is not empty.")
	}
	if err := s.disk.deleteBucket(b.Name); err != nil {
		return nil, err
	}
	delete(s.buckets, b.Name)
	return done{}, nil
}

// patch are the fields that a request changes; null removes one.
type patch map[string]any

const maxResource = 1 << 20 // bytes of a resource in JSON

func readPatch(r *http.Request) (patch, error) {
	var p patch
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxResource)).Decode(&p); err != nil {
		return nil, &refusal{http.StatusBadRequest, "parseError", "Parse Error"}
	}
	return p, nil
}

// onto changes a resource's fields, and inside of fields that are objects only what the patch names (RFC 7396).
func (p patch) onto(resource any) error {
	text, err := json.Marshal(resource)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	merge(fields, p)
	if text, err = json.Marshal(fields); err != nil {
		return err
	}
	clearResource(resource)
	if err := json.Unmarshal(text, resource); err != nil {
		return invalid("A field of the resource has a value that it cannot have.")
	}
	return nil
}

// clearResource empties a resource, so that what a patch removed does not stay.
func clearResource(resource any) {
	switch r := resource.(type) {
	case *bucketResource:
		*r = bucketResource{}
	case *objectResource:
		*r = objectResource{}
	}
}

func merge(into, from map[string]any) {
	for name, v := range from {
		inner, isObject := v.(map[string]any)
		there, isThere := into[name].(map[string]any)
		switch {
		case v == nil:
			delete(into, name)
		case isObject && isThere:
			merge(there, inner)
		default:
			into[name] = v
		}
	}
}
