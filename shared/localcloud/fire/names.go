package firestore

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/fire/sortkey"
)

// maxID is the largest id of a collection or document, in bytes.
const maxID = 1500

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// checkDatabase checks a database's resource name: projects/{project}/databases/{database}.
func checkDatabase(name string) error {
	parts := strings.Split(name, "/")
	if len(parts) != 4 || parts[0] != "projects" || parts[1] == "" || parts[2] != "databases" || parts[3] == "" {
		return invalid("Invalid database name %q: it must be projects/{project}/databases/{database}.", name)
	}
	return nil
}

// splitName parts a resource name below a database's documents: a document's name, or a parent's, whose path may be empty.
func splitName(name string) (database, path string, err error) {
	database, path, found := strings.Cut(name, "/documents")
	if !found || checkDatabase(database) != nil || (path != "" && path[0] != '/') {
		return "", "", invalid("Invalid resource name %q: it must be projects/{project}/databases/{database}/documents/….", name)
	}
	return database, strings.TrimPrefix(path, "/"), nil
}

// checkPath checks the ids of a path below a database's documents.
func checkPath(path string) error {
	for rest, more := path, path != ""; more; {
		var id string
		id, rest, more = strings.Cut(rest, "/")
		if err := checkID(id); err != nil {
			return err
		}
	}
	return nil
}

func checkID(id string) error {
	switch {
	case id == "":
		return invalid("Document and collection ids must not be empty.")
	case len(id) > maxID:
		return invalid("Document and collection ids must not be longer than %d bytes.", maxID)
	case id == "." || id == "..":
		return invalid("Document and collection ids must not be %q.", id)
	case len(id) >= 4 && strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__") && !strings.HasPrefix(id, "__id"):
		return invalid("Document and collection ids of the form %q are reserved.", "__.*__")
	}
	return nil
}

// documentKey checks a document's name and returns its key in a database.
func (d *database) documentKey(name string) (string, error) {
	path, ok := strings.CutPrefix(name, d.prefix)
	if !ok {
		database, _, err := splitName(name)
		if err == nil {
			err = invalid("Document %q is of database %q, not of %q.", name, database, d.name)
		}
		return "", err
	}
	if err := checkPath(path); err != nil {
		return "", err
	}
	if strings.Count(path, "/")%2 == 0 {
		return "", invalid("Document name %q has no document id: it must have an even number of ids.", name)
	}
	return string(sortkey.AppendPath(make([]byte, 0, len(path)+8), path)), nil
}

// parent finds the database and the path of a parent: the root, or a document.
func (s *Server) parent(name string) (*database, string, error) {
	database, path, err := splitName(name)
	if err != nil {
		return nil, "", err
	}
	if err := checkPath(path); err != nil {
		return nil, "", err
	}
	if path != "" && strings.Count(path, "/")%2 == 0 {
		return nil, "", invalid("Parent %q must be a document or the root.", name)
	}
	return s.database(database), path, nil
}

// document finds the database and the key of a document.
func (s *Server) document(name string) (*database, string, error) {
	database, _, err := splitName(name)
	if err != nil {
		return nil, "", err
	}
	d := s.database(database)
	key, err := d.documentKey(name)
	return d, key, err
}

// group is the id of the collection that a document is in.
func group(name string) string {
	rest := name[:strings.LastIndexByte(name, '/')]
	return rest[strings.LastIndexByte(rest, '/')+1:]
}

func notFound(name string) error {
	return status.Error(codes.NotFound, fmt.Sprintf("Document %q not found.", name))
}
