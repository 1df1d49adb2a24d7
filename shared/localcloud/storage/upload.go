package storage

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// upload is an object that is being sent. One in chunks is guarded by the server's mutex while nothing is received.
type upload struct {
	bucket string
	said   objectResource // by the sender: name, checksums, metadata
	when   conditions
	hashes []string // further checksums, from headers
	spool  *spool
}

// insertObject takes an object in one request, or begins to take one in chunks. Google's Go clients send the chunks
// themselves by POST too, where others PUT them.
func (s *Server) insertObject(w http.ResponseWriter, r *http.Request) (any, error) {
	if r.URL.Query().Has("upload_id") {
		return s.resumeUpload(w, r)
	}
	u := &upload{bucket: r.PathValue("bucket"), hashes: r.Header.Values("X-Goog-Hash")}
	var media io.Reader
	var err error
	switch kind := r.URL.Query().Get("uploadType"); kind {
	case "media":
		u.said.ContentType, media = r.Header.Get("Content-Type"), r.Body
	case "multipart":
		media, err = u.readMultipart(r)
	case "resumable":
		err = u.readResource(http.MaxBytesReader(nil, r.Body, maxResource))
		if u.said.ContentType == "" {
			u.said.ContentType = r.Header.Get("X-Upload-Content-Type")
		}
	default:
		err = invalid("Invalid value for uploadType: %q.", kind)
	}
	if err != nil {
		return nil, err
	}
	if err := u.complete(r.URL.Query()); err != nil {
		return nil, err
	}
	if err := s.begin(u); err != nil {
		return nil, err
	}
	if media == nil {
		s.hold(w, u)
		return nil, nil //nolint:nilnil // it has answered
	}
	if _, err := io.Copy(u.spool, media); err != nil {
		return nil, errors.Join(errIncomplete, u.spool.discard())
	}
	return s.finish(u)
}

var errIncomplete = &refusal{http.StatusBadRequest, "badContent", "The content did not come whole."}

func (u *upload) complete(q url.Values) (err error) {
	if name := q.Get("name"); name != "" {
		u.said.Name = name
	}
	if err := checkName(u.said.Name); err != nil {
		return err
	}
	u.when, err = conditionsOf(q, "")
	return err
}

// readMultipart reads the resource and returns the content that follows it.
func (u *upload) readMultipart(r *http.Request) (io.Reader, error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return nil, invalid("Content-Type is not multipart/related with a boundary.")
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	first, err := parts.NextPart()
	if err != nil {
		return nil, errIncomplete
	}
	if err := u.readResource(io.LimitReader(first, maxResource)); err != nil {
		return nil, err
	}
	second, err := parts.NextPart()
	if err != nil {
		return nil, errIncomplete
	}
	if u.said.ContentType == "" {
		u.said.ContentType = second.Header.Get("Content-Type")
	}
	return second, nil
}

func (u *upload) readResource(in io.Reader) error {
	var p patch
	if err := json.NewDecoder(in).Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return &refusal{http.StatusBadRequest, "parseError", "Parse Error"}
	}
	if p["retention"] != nil {
		return invalid("retention: single objects cannot be retained here.")
	}
	return p.onto(&u.said)
}

// begin refuses what can be refused before the content is there, and makes room for it.
func (s *Server) begin(u *upload) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(u.bucket)
	if err != nil {
		return err
	}
	if err := u.allowed(b, s); err != nil {
		return err
	}
	u.spool, err = s.disk.create(b.Name)
	return err
}

// allowed tells whether the object can take the place of what is there.
func (u *upload) allowed(b *bucket, s *Server) error {
	there := b.objects[u.said.Name]
	if err := u.when.checkWrite(there); err != nil {
		return err
	}
	return there.free(b, s.now())
}

// finish makes the object that was sent the present one.
func (s *Server) finish(u *upload) (any, error) {
	if err := u.spool.sums.check(u.said, u.hashes); err != nil {
		return nil, errors.Join(err, u.spool.discard())
	}
	if err := u.spool.sync(); err != nil {
		return nil, errors.Join(err, u.spool.discard())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucket(u.bucket)
	if err == nil {
		err = u.allowed(b, s)
	}
	if err != nil {
		return nil, errors.Join(err, u.spool.discard())
	}
	o := s.newObject(u)
	if err := s.disk.commit(u.spool, o); err != nil {
		return nil, errors.Join(err, u.spool.discard())
	}
	b.put(o.Name, o)
	return o.retained(b).objectResource, nil
}

// newObject is the object that was sent, as a new generation. It is called with the lock held.
func (s *Server) newObject(u *upload) *object {
	now := s.now().UTC()
	s.generation = max(s.generation+1, now.UnixMicro())
	o := &object{}
	o.describe(u.said)
	o.Kind, o.Name, o.Bucket, o.StorageClass = "storage#object", u.said.Name, u.bucket, "STANDARD"
	o.Generation, o.Metageneration, o.TimeCreated, o.Updated = s.generation, 1, now, now
	o.ID = fmt.Sprintf("%s/%s/%d", u.bucket, o.Name, o.Generation)
	o.Size, o.CRC32C, o.MD5Hash = u.spool.sums.size, u.spool.sums.crc32c(), u.spool.sums.md5Hash()
	o.Etag = etag(o)
	return o
}

// hold keeps an upload that comes in chunks, and answers with where they go.
func (s *Server) hold(w http.ResponseWriter, u *upload) {
	id := rand.Text()
	s.mu.Lock()
	s.uploads[id] = u
	s.mu.Unlock()
	w.Header().Set("X-Guploader-Uploadid", id)
	w.Header().Set("Location", fmt.Sprintf("http://%s/upload/storage/v1/b/%s/o?uploadType=resumable&upload_id=%s", s.addr, u.bucket, id))
	w.WriteHeader(http.StatusOK)
}

// resumeUpload takes a chunk.
func (s *Server) resumeUpload(w http.ResponseWriter, r *http.Request) (any, error) {
	id := r.URL.Query().Get("upload_id")
	s.mu.Lock()
	u := s.uploads[id]
	delete(s.uploads, id) // nobody else sends to it meanwhile
	s.mu.Unlock()
	if u == nil {
		return nil, notFound("upload", id)
	}
	last, err := u.receive(r)
	if err != nil || !last {
		s.mu.Lock()
		s.uploads[id] = u
		s.mu.Unlock()
	}
	switch {
	case err != nil:
		return nil, err
	case last:
		return s.finish(u)
	}
	answerIncomplete(w, r, u.spool.sums.size)
	return nil, nil //nolint:nilnil // it has answered
}

// receive adds a chunk to what was received, and tells whether it was the last one.
func (u *upload) receive(r *http.Request) (last bool, err error) {
	from, total, err := contentRange(r.Header.Get("Content-Range"))
	if err != nil {
		return false, err
	}
	u.hashes = append(u.hashes, r.Header.Values("X-Goog-Hash")...)
	size := u.spool.sums.size
	if from >= 0 {
		if from > size {
			return false, invalid("The chunk begins at %d, but only %d bytes are there.", from, size)
		}
		if _, err := io.CopyN(io.Discard, r.Body, size-from); err != nil { // is there already
			return false, errIncomplete
		}
		if _, err := io.Copy(u.spool, r.Body); err != nil {
			return false, errIncomplete
		}
	}
	return total == u.spool.sums.size, nil
}

// contentRange reads where a chunk begins, -1 when there is none, and how long the whole is, -1 when that is not known.
func contentRange(header string) (from, total int64, err error) {
	if header == "" {
		return 0, 0, invalid("Content-Range is required.")
	}
	span, whole, found := strings.Cut(strings.TrimPrefix(header, "bytes "), "/")
	from, total = -1, -1
	if whole != "*" {
		if total, err = strconv.ParseInt(whole, 10, 64); err != nil || total < 0 {
			return 0, 0, invalid("Invalid Content-Range: %q.", header)
		}
	}
	if span == "*" && found {
		return from, total, nil
	}
	first, _, _ := strings.Cut(span, "-")
	if from, err = strconv.ParseInt(first, 10, 64); err != nil || from < 0 || !found {
		return 0, 0, invalid("Invalid Content-Range: %q.", header)
	}
	return from, total, nil
}

// answerIncomplete tells how much was received.
func answerIncomplete(w http.ResponseWriter, r *http.Request, size int64) {
	if size > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", size-1))
	}
	if r.Header.Get("X-Guploader-No-308") == "yes" {
		w.Header().Set("X-Http-Status-Code-Override", "308")
		w.WriteHeader(http.StatusOK)
		return
	}
	w.WriteHeader(http.StatusPermanentRedirect)
}

// rewriteObject copies an object. What the request says of the copy replaces what is known of the object.
func (s *Server) rewriteObject(_ http.ResponseWriter, r *http.Request) (any, error) {
	c, err := conditionsOf(r.URL.Query(), "Source")
	if err != nil {
		return nil, err
	}
	from, content, err := s.open(r, c.checkChange)
	if err != nil {
		return nil, err
	}
	defer content.Close() //nolint:errcheck // only read
	u := &upload{bucket: r.PathValue("toBucket")}
	if err := u.readCopy(r, from); err != nil {
		return nil, err
	}
	if err := s.begin(u); err != nil {
		return nil, err
	}
	if _, err := io.Copy(u.spool, content); err != nil {
		return nil, errors.Join(err, u.spool.discard())
	}
	copied, err := s.finish(u)
	if err != nil {
		return nil, err
	}
	size := strconv.FormatInt(from.Size, 10)
	return map[string]any{"kind": "storage#rewriteResponse", "done": true, "objectSize": size, "totalBytesRewritten": size, "resource": copied}, nil
}

// readCopy reads what a copy shall be called and described as.
func (u *upload) readCopy(r *http.Request, from *object) error {
	p, err := readPatch(r)
	if err != nil {
		return err
	}
	u.said = from.objectResource
	if len(p) > 0 {
		u.said = objectResource{ContentType: from.ContentType}
		if err := p.onto(&u.said); err != nil {
			return err
		}
	}
	u.said.CRC32C, u.said.MD5Hash = from.CRC32C, from.MD5Hash
	q := r.URL.Query()
	q.Set("name", r.PathValue("toObject"))
	return u.complete(q)
}
