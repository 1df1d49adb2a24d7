package firestore

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/firestore/resource"
	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

// refuse makes a fault INVALID_ARGUMENT, in its own words.
func refuse(err error) error {
	if err == nil {
		return nil
	}
	return status.Error(codes.InvalidArgument, err.Error())
}

// named finds a database by its resource name.
func (s *Server) named(name string) (*database, error) {
	if _, _, err := resource.Split(resource.Database, name); err != nil {
		return nil, refuse(err)
	}
	return s.database(name), nil
}

// documentKey checks a document's name and returns its key in the database.
func (d *database) documentKey(name string) (string, error) {
	database, path, err := resource.Split(resource.Document, name)
	if err != nil {
		return "", refuse(err)
	}
	if database != d.name {
		return "", invalid("The request was for database '%s' but was attempting to access database '%s'", d.name, database)
	}
	return string(sortkey.AppendPath(make([]byte, 0, len(path)+8), path)), nil
}

// parent finds the database and the path of a parent: the root, or a document.
func (s *Server) parent(name string) (*database, string, error) {
	database, path, err := resource.Split(resource.Parent, name)
	if err != nil {
		return nil, "", refuse(err)
	}
	return s.database(database), path, nil
}

// document finds the database and the key of a document.
func (s *Server) document(name string) (*database, string, error) {
	database, path, err := resource.Split(resource.Document, name)
	if err != nil {
		return nil, "", refuse(err)
	}
	return s.database(database), string(sortkey.AppendPath(make([]byte, 0, len(path)+8), path)), nil
}

// group is the id of the collection that a document is in.
func group(name string) string {
	rest := name[:strings.LastIndexByte(name, '/')]
	return rest[strings.LastIndexByte(rest, '/')+1:]
}

func notFound(name string) error {
	return status.Errorf(codes.NotFound, "Document %q not found.", name)
}
