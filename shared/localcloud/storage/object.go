package storage

import (
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// objectResource is what is known of an object (https://cloud.google.com/storage/docs/json_api/v1/objects).
type objectResource struct {
	Kind               string            `json:"kind"`
	ID                 string            `json:"id"`
	Name               string            `json:"name"`
	Bucket             string            `json:"bucket"`
	Generation         int64             `json:"generation,string"`
	Metageneration     int64             `json:"metageneration,string"`
	Size               int64             `json:"size,string"`
	CRC32C             string            `json:"crc32c,omitempty"`  // lists have none
	MD5Hash            string            `json:"md5Hash,omitempty"` // composed objects have none
	Etag               string            `json:"etag"`
	StorageClass       string            `json:"storageClass"`
	TimeCreated        time.Time         `json:"timeCreated"`
	Updated            time.Time         `json:"updated"`
	RetentionExpires   *time.Time        `json:"retentionExpirationTime,omitempty"`
	ContentType        string            `json:"contentType,omitempty"`
	ContentEncoding    string            `json:"contentEncoding,omitempty"`
	ContentDisposition string            `json:"contentDisposition,omitempty"`
	ContentLanguage    string            `json:"contentLanguage,omitempty"`
	CacheControl       string            `json:"cacheControl,omitempty"`
	CustomTime         *time.Time        `json:"customTime,omitempty"`
	TemporaryHold      bool              `json:"temporaryHold,omitempty"`
	EventBasedHold     bool              `json:"eventBasedHold,omitempty"`
	Metadata           map[string]string `json:"metadata,omitempty"`
}

// object is one generation of an object. It never changes: another version of it takes its place.
type object struct {
	objectResource
	content content
}

// describe takes over from another resource what its writer decides.
func (o *objectResource) describe(by objectResource) {
	o.ContentType, o.ContentEncoding, o.ContentDisposition = by.ContentType, by.ContentEncoding, by.ContentDisposition
	o.ContentLanguage, o.CacheControl, o.CustomTime = by.ContentLanguage, by.CacheControl, by.CustomTime
	o.TemporaryHold, o.EventBasedHold, o.Metadata = by.TemporaryHold, by.EventBasedHold, by.Metadata
}

const maxName = 1024 // bytes

// checkName refuses names that objects cannot have (https://cloud.google.com/storage/docs/objects#naming).
func checkName(name string) error {
	switch {
	case name == "":
		return &refusal{http.StatusBadRequest, "required", "Required parameter: name"}
	case len(name) > maxName, !utf8.ValidString(name), strings.ContainsAny(name, "\r\n"), name == ".", name == "..",
		strings.HasPrefix(name, ".well-known/acme-challenge/"):
		return invalid("Disallowed object name.")
	default:
		return nil
	}
}

// find finds an object. It is called with the lock held.
func (s *Server) find(bucketName, name string) (*bucket, *object, error) {
	b, err := s.bucket(bucketName)
	if err != nil {
		return nil, nil, err
	}
	if o := b.objects[name]; o != nil {
		return b, o, nil
	}
	return nil, nil, notFound("object", bucketName+"/"+name)
}

// look finds the object of a request, and lets something be done with it before it can change.
func (s *Server) look(r *http.Request, check func(*object) error, then func(*object) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, o, err := s.find(r.PathValue("bucket"), r.PathValue("object"))
	if err != nil {
		return err
	}
	if err := check(o); err != nil {
		return err
	}
	return then(o.retained(b))
}

func (s *Server) getObject(w http.ResponseWriter, r *http.Request) (any, error) {
	if r.URL.Query().Get("alt") == "media" {
		return s.readObject(w, r)
	}
	c, err := conditionsOf(r.URL.Query(), "")
	if err != nil {
		return nil, err
	}
	var found objectResource
	err = s.look(r, c.checkRead, func(o *object) error {
		found = o.objectResource
		return nil
	})
	return found, err
}

// readObject answers with an object's content, or with the part of it that is asked for.
func (s *Server) readObject(w http.ResponseWriter, r *http.Request) (any, error) {
	c, err := conditionsOf(r.URL.Query(), "")
	if err != nil {
		return nil, err
	}
	o, content, err := s.open(r, c.checkRead)
	if err != nil {
		return nil, err
	}
	defer content.Close() //nolint:errcheck // only read
	o.setHeaders(w.Header())
	r.Header.Del("If-Modified-Since") // conditions are generations
	http.ServeContent(w, r, "", o.Updated, content)
	return nil, nil //nolint:nilnil // it has answered
}

// open finds the object of a request, with its content.
func (s *Server) open(r *http.Request, check func(*object) error) (o *object, content io.ReadSeekCloser, err error) {
	err = s.look(r, check, func(found *object) error {
		o = found
		content, err = o.content.open()
		return err
	})
	return o, content, err
}

func (s *Server) deleteObject(_ http.ResponseWriter, r *http.Request) (any, error) {
	c, err := conditionsOf(r.URL.Query(), "")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, o, err := s.find(r.PathValue("bucket"), r.PathValue("object"))
	if err != nil {
		return nil, err
	}
	if err := c.checkChange(o); err != nil {
		return nil, err
	}
	if err := o.free(b, s.now()); err != nil {
		return nil, err
	}
	if err := s.disk.deleteObject(o); err != nil {
		return nil, err
	}
	b.put(o.Name, nil)
	return done{}, nil
}

// patchObject changes what is known of an object. Its generation stays.
func (s *Server) patchObject(_ http.ResponseWriter, r *http.Request) (any, error) {
	patch, err := readPatch(r)
	if err != nil {
		return nil, err
	}
	if patch["retention"] != nil {
		return nil, invalid("retention: single objects cannot be retained here.")
	}
	c, err := conditionsOf(r.URL.Query(), "")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, o, err := s.find(r.PathValue("bucket"), r.PathValue("object"))
	if err != nil {
		return nil, err
	}
	if err := c.checkChange(o); err != nil {
		return nil, err
	}
	var described objectResource
	changed := &object{objectResource: o.objectResource, content: o.content}
	described.describe(o.objectResource)
	if err := patch.onto(&described); err != nil {
		return nil, err
	}
	changed.describe(described)
	changed.Metageneration, changed.Updated = o.Metageneration+1, s.now().UTC()
	changed.Etag = etag(changed)
	if err := s.disk.redescribe(changed); err != nil {
		return nil, err
	}
	b.put(o.Name, changed)
	return changed.retained(b).objectResource, nil
}
