package wire

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
)

// disturbed is a stream whose answer goes astray. The server's messages are read, so that its work is done, and thrown
// away: all of them where only the server streams, the first where both sides do.
type disturbed struct {
	grpc.ClientStream
	fault  Fault
	desc   *grpc.StreamDesc
	cancel context.CancelFunc
	once   sync.Once
	err    error // what the first answer turned into
}

func (s *disturbed) RecvMsg(m any) error {
	s.once.Do(func() { s.err = s.first(m) })
	if s.err != nil {
		return s.err
	}
	err := s.ClientStream.RecvMsg(m)
	if err != nil {
		s.cancel()
	}
	return err
}

func (s *disturbed) first(m any) error {
	if s.fault.After == nil {
		return s.fault.Linger.wait(s.Context())
	}
	defer s.cancel()
	err := s.drain(m)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return s.fault.after(s.Context(), err)
}

func (s *disturbed) drain(m any) error {
	for {
		if err := s.ClientStream.RecvMsg(m); err != nil {
			return err
		}
		if s.desc.ClientStreams {
			return nil
		}
	}
}
