package pubsub

import (
	"errors"
	"fmt"
	"strconv"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"ryggrad.internal/hub/shared/localcloud/journal"
)

// snapshotBytes is how large the journal grows before a snapshot replaces it; it also grows as large as the snapshot.
const snapshotBytes = 4 << 20

// The kinds of records. A record is its kind, then a message of the service.
const (
	recordTopic            byte = 't' // Topic: created
	recordTopicGone        byte = 'T' // DeleteTopicRequest
	recordSubscription     byte = 's' // Subscription: created
	recordSubscriptionGone byte = 'S' // DeleteSubscriptionRequest
	recordPublish          byte = 'p' // PublishRequest, with ids and times
	recordAcknowledge      byte = 'a' // AcknowledgeRequest, with the messages' ids
	recordWaiting          byte = 'w' // PublishRequest of a snapshot: what waits in the subscription that it names as its topic
	recordLast             byte = 'l' // AcknowledgeRequest of a snapshot: the last id given
)

// record is what a change leaves behind.
type record struct {
	kind    byte
	message proto.Message
}

func (r record) encode() ([]byte, error) {
	return proto.MarshalOptions{}.MarshalAppend([]byte{r.kind}, r.message)
}

// change makes a change under the lock, and returns when its record, nil for none, is durable.
func (s *Server) change(do func() (*record, error)) error {
	s.mu.Lock()
	r, err := do()
	if err != nil || r == nil || s.journal == nil {
		s.mu.Unlock()
		return err
	}
	ticket, err := s.keep(*r)
	s.mu.Unlock()
	if err == nil {
		err = s.journal.Wait(ticket)
	}
	if err != nil {
		s.opts.Log.Error("messages can no longer be kept", "error", err)
		return status.Error(codes.Internal, "the store can no longer write")
	}
	return nil
}

// keep hands a change's record to the journal; or makes a snapshot, which has the change in it.
func (s *Server) keep(r record) (journal.Ticket, error) {
	if s.journal.Size() > max(snapshotBytes, s.snapshot) {
		return s.journal.Appended(), s.compact()
	}
	data, err := r.encode()
	if err != nil {
		return 0, err
	}
	return s.journal.Append(data), nil
}

// recover opens the journal, with all that it holds, and begins a new one.
func (s *Server) recover() (err error) {
	var cut int64
	if s.journal, cut, err = journal.Open(s.opts.Dir, s.replay); err != nil {
		return err
	}
	if cut > 0 {
		s.opts.Log.Warn("the torn end of the journal was cut off: messages whose publication was never answered", "bytes", cut)
	}
	if err := s.compact(); err != nil {
		return errors.Join(err, s.journal.Close())
	}
	return nil
}

// compact replaces the journal by a snapshot. It is called with the lock held, or before anybody else knows the server.
func (s *Server) compact() error {
	if err := s.journal.Cut(); err != nil {
		return err
	}
	snapshot, err := s.journal.Snapshot()
	if err != nil {
		return err
	}
	s.snapshot = 0
	for _, r := range s.state() {
		data, err := r.encode()
		if err == nil {
			err = snapshot.Write(data)
		}
		if err != nil {
			return snapshot.Discard(err)
		}
		s.snapshot += int64(len(data))
	}
	return snapshot.Commit()
}

// state are the records that make the server what it is.
func (s *Server) state() []record {
	all := []record{{recordLast, &pubsubpb.AcknowledgeRequest{AckIds: []string{strconv.FormatInt(s.lastID, 10)}}}}
	for _, t := range s.topics {
		all = append(all, record{recordTopic, t.resource})
	}
	for name, q := range s.subs {
		all = append(all, record{recordSubscription, q.resource})
		for e := q.order.Front(); e != nil; e = e.Next() {
			waiting := &pubsubpb.PublishRequest{Topic: name, Messages: []*pubsubpb.PubsubMessage{heldIn(e).message}}
			all = append(all, record{recordWaiting, waiting})
		}
	}
	return all
}

// emptyMessage is what the records of a kind hold, nil for a kind that there is not.
func emptyMessage(kind byte) proto.Message {
	switch kind {
	case recordTopic:
		return &pubsubpb.Topic{}
	case recordTopicGone:
		return &pubsubpb.DeleteTopicRequest{}
	case recordSubscription:
		return &pubsubpb.Subscription{}
	case recordSubscriptionGone:
		return &pubsubpb.DeleteSubscriptionRequest{}
	case recordPublish, recordWaiting:
		return &pubsubpb.PublishRequest{}
	case recordAcknowledge, recordLast:
		return &pubsubpb.AcknowledgeRequest{}
	default:
		return nil
	}
}

// replay does again what a record tells.
func (s *Server) replay(data []byte) error {
	message := emptyMessage(data[0])
	if message == nil {
		return fmt.Errorf("a record is of the kind %q, which this version does not know", data[0])
	}
	if err := proto.Unmarshal(data[1:], message); err != nil {
		return err
	}
	switch m := message.(type) {
	case *pubsubpb.Topic:
		s.addTopic(m)
	case *pubsubpb.DeleteTopicRequest:
		s.dropTopic(m.GetTopic())
	case *pubsubpb.Subscription:
		s.subs[m.GetName()] = newQueue(m)
	case *pubsubpb.DeleteSubscriptionRequest:
		delete(s.subs, m.GetSubscription())
	case *pubsubpb.PublishRequest:
		s.replayMessages(data[0], m)
	case *pubsubpb.AcknowledgeRequest:
		s.replayAcknowledge(data[0], m)
	}
	return nil
}

func (s *Server) replayMessages(kind byte, req *pubsubpb.PublishRequest) {
	for _, m := range req.GetMessages() {
		s.sawID(m.GetMessageId())
	}
	if kind == recordPublish {
		s.enqueue(req)
	} else if q := s.subs[req.GetTopic()]; q != nil {
		q.add(req.GetMessages())
	}
}

func (s *Server) replayAcknowledge(kind byte, req *pubsubpb.AcknowledgeRequest) {
	q := s.subs[req.GetSubscription()]
	for _, id := range req.GetAckIds() {
		if kind == recordLast {
			s.sawID(id)
		} else if q != nil {
			q.drop(id)
		}
	}
}

func (s *Server) sawID(text string) {
	if id, err := strconv.ParseInt(text, 10, 64); err == nil {
		s.lastID = max(s.lastID, id)
	}
}
