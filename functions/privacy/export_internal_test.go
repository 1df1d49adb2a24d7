package privacy

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/privacy"
	"ryggrad.internal/hub/shared/privacy/privacydb"
)

// exported is an export as its reader has it.
type exported struct {
	manifest manifestBody
	lines    map[string]map[string]string // by collection and id
	bytes    int64
	sum      string
}

func (w *world) takeOut(job string) (exported, answer) {
	w.t.Helper()
	a := w.call("owner", http.MethodPost, "/v1/subjects/exports/"+job+"/content", nil)
	e := exported{lines: map[string]map[string]string{}}
	if a.status != http.StatusOK {
		return e, a
	}
	sum := sha256.New()
	lines := bufio.NewScanner(strings.NewReader(a.text))
	lines.Buffer(nil, 4<<20)
	for n := 0; lines.Scan(); n++ {
		if n == 0 {
			var head struct{ Manifest manifestBody }
			w.must(json.Unmarshal(lines.Bytes(), &head))
			e.manifest = head.Manifest
			continue
		}
		sum.Write(append(lines.Bytes(), '\n'))
		e.bytes += int64(len(lines.Bytes())) + 1
		var l struct {
			Collection, ID string
			Data           json.RawMessage
		}
		w.must(json.Unmarshal(lines.Bytes(), &l))
		if e.lines[l.Collection] == nil {
			e.lines[l.Collection] = map[string]string{}
		}
		e.lines[l.Collection][l.ID] = string(l.Data)
	}
	w.must(lines.Err())
	e.sum = hex.EncodeToString(sum.Sum(nil))
	return e, a
}

func TestAGuestIsExported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(tenantA, "A-1", customer())
	w.place(tenantA, "A-2", &order.Customer{Name: "Nils", Phone: guestPhone})
	message := w.keep(channel.KeptFailed, channel.Ref{}, guestPhone+" "+guestEmail+" \xff")
	job := w.ask("export", theGuest()).Job
	if _, a := w.takeOut(job); a.status != http.StatusConflict {
		t.Errorf("before it is finished it is answered %d %s", a.status, a.text)
	}
	w.work(job)
	state := w.call("owner", http.MethodGet, "/v1/subjects/exports/"+job, nil)
	if state.State != privacy.Done || state.Manifest == nil || !state.ExpiresAt.Equal(w.Now().Add(24*time.Hour)) {
		t.Fatalf("it is %s", state.text)
	}
	e, a := w.takeOut(job)
	if a.status != http.StatusOK || a.header.Get("Content-Length") != fmt.Sprint(len(a.text)) {
		t.Fatalf("answered %d %v %s", a.status, a.header, a.text)
	}
	if e.manifest.SHA256 != e.sum || e.manifest.Bytes != e.bytes || e.manifest.Export != job || e.manifest.SHA256 != state.Manifest.SHA256 {
		t.Errorf("the manifest is %+v of %d bytes with %s", e.manifest, e.bytes, e.sum)
	}
	for collection, n := range e.manifest.Counts {
		if int64(len(e.lines[collection])) != n {
			t.Errorf("%d lines of %s, %d by the manifest", len(e.lines[collection]), collection, n)
		}
	}
	for _, word := range []string{guestName, guestPhone, guestEmail, guestNote, "Storgatan"} {
		if !strings.Contains(e.lines["orders"][id], word) {
			t.Errorf("the order lacks %q: %s", word, e.lines["orders"][id])
		}
	}
	if !strings.Contains(e.lines["originals"][id], guestName) || !strings.Contains(e.lines["messages"][message], "base64") {
		t.Errorf("what was sent is %s and %s", e.lines["originals"][id], e.lines["messages"][message])
	}
	if len(e.lines["orders"]) != 1 || len(e.lines["audit"]) != 1 || len(e.lines["events"]) != 1 {
		t.Errorf("it holds %v", e.manifest.Counts)
	}
}

func TestAnExportIsTakenOutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place(tenantA, "A-1", customer())
	job := w.ask("export", theGuest()).Job
	w.work(job)
	if a := w.call("unproven", http.MethodPost, "/v1/subjects/exports/"+job+"/content", nil); a.status != http.StatusUnauthorized {
		t.Errorf("without a proof it is answered %d %s", a.status, a.text)
	}
	if !w.exists("exportKeys/" + job + "_1") {
		t.Fatal("there is no key")
	}
	if _, a := w.takeOut(job); a.status != http.StatusOK {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	if w.exists("exportKeys/" + job + "_1") {
		t.Error("its key is left")
	}
	if _, a := w.takeOut(job); a.status != http.StatusConflict {
		t.Errorf("again it is answered %d %s", a.status, a.text)
	}
	if n := w.entries("subject.take_export", "subjectJobs/"+job); n != 1 {
		t.Errorf("%d entries", n)
	}
	w.chainHolds("subjectJobs/"+job, 3)
}

func TestAnExportWaitsForADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place(tenantA, "A-1", customer())
	job := w.ask("export", theGuest()).Job
	w.work(job)
	w.wait(privacy.ExportLife)
	if _, a := w.takeOut(job); a.status != http.StatusConflict || !strings.Contains(a.text, "expired") {
		t.Errorf("answered %d %s", a.status, a.text)
	}
}

func TestAnExportOfManyPartsComesOutWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 35 { // more than one query's worth
		w.place(tenantA, fmt.Sprintf("A-%d", n), customer())
	}
	for n := range 3 { // more than one part's worth of what does not compress
		w.keep(channel.KeptFailed, channel.Ref{}, fmt.Sprintf("%s %s %d %s", guestPhone, guestEmail, n, noise(700<<10)))
	}
	job := w.ask("export", theGuest()).Job
	w.work(job)
	e, a := w.takeOut(job)
	if a.status != http.StatusOK || e.manifest.SHA256 != e.sum || len(e.lines["orders"]) != 35 || len(e.lines["messages"]) != 3 {
		t.Errorf("answered %d with %v", a.status, e.manifest)
	}
	if found, err := w.db.Collection("exportParts").Documents(t.Context()).GetAll(); err != nil || len(found) < 2 {
		t.Errorf("it was kept in %d parts, %v", len(found), err)
	}
}

func TestAnExportLeavesOutWhatWasErasedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(tenantA, "A-1", customer())
	job := w.ask("export", theGuest()).Job
	w.work(w.ask("erase", theGuest()).Job)
	w.work(job)
	e, a := w.takeOut(job)
	if a.status != http.StatusOK || !strings.Contains(e.lines["orders"][id], `"erased":true`) || strings.Contains(a.text, guestName) {
		t.Errorf("answered %d %s", a.status, a.text)
	}
}

func TestAnErasureWithdrawsExportsThatWereNotTakenOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place(tenantA, "A-1", customer())
	other := &order.Customer{Name: "Nils", Phone: "+46701740611", Email: "nils@example.com"}
	w.place(tenantA, "A-2", other)
	mine := w.ask("export", theGuest()).Job
	theirs := w.ask("export", map[string]any{"phone": other.Phone, "email": other.Email}).Job
	w.work(mine)
	w.work(theirs)
	w.work(w.ask("erase", theGuest()).Job)
	if _, a := w.takeOut(mine); a.status != http.StatusConflict || w.exists("exportKeys/"+mine+"_1") {
		t.Errorf("the export of who was erased is answered %d %s", a.status, a.text)
	}
	if _, a := w.takeOut(theirs); a.status != http.StatusOK {
		t.Errorf("another's export is answered %d %s", a.status, a.text)
	}
}

// TestNoKeyIsLeftOfAnAttemptThatDoesNotCount lets an attempt to export die, and another one be overtaken: what they wrote
// would be readable for a day, whatever became of the guest.
func TestNoKeyIsLeftOfAnAttemptThatDoesNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place(tenantA, "A-1", customer())
	job := w.ask("export", theGuest()).Job
	died := w.claim(job)
	key := map[string]any{"tenant": tenantA, "key": []byte("a key"), "expireAt": w.Now().Add(privacy.ExportLife)}
	_, err := w.db.Doc("exportKeys/"+job+"_1").Set(t.Context(), key) // so far it came
	w.must(err)
	w.wait(privacy.Lease)
	slow := w.claim(job)
	w.wait(privacy.Lease)
	w.must(w.tick(t.Context()))
	if slow.Attempt != 2 || died.Attempt != 1 || w.exists("exportKeys/"+job+"_1") || !w.exists("exportKeys/"+job+"_3") {
		t.Errorf("attempts %d and %d: the key of the first is left, or the third has none", died.Attempt, slow.Attempt)
	}
	w.must(w.store.Export(t.Context(), slow))
	if w.exists("exportKeys/" + job + "_2") {
		t.Error("the key of the attempt that was overtaken is left")
	}
	if e, a := w.takeOut(job); a.status != http.StatusOK || len(e.lines["orders"]) != 1 {
		t.Errorf("answered %d %s", a.status, a.text)
	}
}

func (w *world) claim(job string) privacydb.Job {
	w.t.Helper()
	j, err := w.store.Load(w.t.Context(), tenantA, job)
	w.must(err)
	j, ok, err := w.store.Take(w.t.Context(), j)
	w.must(err)
	if !ok {
		w.t.Fatal("the job cannot be claimed")
	}
	return j
}

// TestAnExportOutlastsTheRequestThatTookIt has the request's own time end once the answer begins.
func TestAnExportOutlastsTheRequestThatTookIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.place(tenantA, "A-1", customer())
	job := w.ask("export", theGuest()).Job
	w.work(job)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/subjects/exports/"+job+"/content", http.NoBody)
	r.Header.Set("Authorization", "Bearer owner")
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(&ending{rec, cancel}, r)
	if length := rec.Header().Get("Content-Length"); rec.Code != http.StatusOK || length != strconv.Itoa(rec.Body.Len()) {
		t.Errorf("answered %d with %d bytes of %s; the log says\n%s", rec.Code, rec.Body.Len(), length, w.log.String())
	}
}

// ending ends something when the answer begins.
type ending struct {
	*httptest.ResponseRecorder
	end func()
}

func (e *ending) WriteHeader(status int) {
	e.end()
	e.ResponseRecorder.WriteHeader(status)
}

func TestHandingOutEndsBeforeCloudRunEndsIt(t *testing.T) {
	t.Parallel()
	f, err := functions.Find("privacy")
	if err != nil || takeWithin > f.Deadline()-5*time.Second {
		t.Errorf("%s of %s, %v", takeWithin, f.Deadline(), err)
	}
}

// TestWhatNobodyCanOpenDoesNotHoldUpAnExport damages an original and a message.
func TestWhatNobodyCanOpenDoesNotHoldUpAnExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.place(tenantA, "A-1", customer())
	message := w.keep(channel.KeptFailed, channel.Ref{}, guestPhone+" "+guestEmail)
	job := w.ask("export", theGuest()).Job
	for _, damaged := range []string{id, message} {
		_, err := w.db.Doc("originals/"+damaged).Update(t.Context(), []firestore.Update{{Path: "original", Value: []byte("damaged")}})
		w.must(err)
	}
	w.work(job)
	e, a := w.takeOut(job)
	if a.status != http.StatusOK || e.lines["originals"][id] != `{"unreadable":true}` || !strings.Contains(e.lines["messages"][message], `"unreadable":true`) ||
		!strings.Contains(e.lines["orders"][id], guestName) {
		t.Errorf("answered %d %s", a.status, a.text)
	}
}
