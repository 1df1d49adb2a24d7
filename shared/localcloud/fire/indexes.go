package firestore

// Indexes say which queries a server allows.
type Indexes struct{}
