package localcloud

import firestore "ryggrad.internal/hub/shared/localcloud/fire"

// openFirestore opens the embedded Firestore and registers it with the gRPC server.
func (c *Cloud) openFirestore() error {
	server, err := firestore.Open(firestore.Options{Dir: c.opts.below("firestore"), Now: c.opts.Now, Log: c.opts.Log})
	if err != nil {
		return err
	}
	c.closeLater(server.Close)
	server.Register(c.grpc)
	return nil
}
