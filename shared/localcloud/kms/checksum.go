package kms

import (
	"hash/crc32"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// checksum returns the CRC32C of data, as the service's fields carry it.
func checksum(data []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))))
}

// verify compares data with the checksum that came with it. It tells whether there was one to compare.
func verify(field string, data []byte, sent *wrapperspb.Int64Value) (bool, error) {
	if sent == nil {
		return false, nil
	}
	if sent.Value != checksum(data).Value {
		return false, status.Errorf(codes.InvalidArgument,
			"The checksum in field %s_crc32c did not match the data in field %s.", field, field)
	}
	return true, nil
}

func atMost(field string, data []byte, limit int) error {
	if len(data) > limit {
		return status.Errorf(codes.InvalidArgument, "The field %s is too large: %d bytes, at most %d are allowed.",
			field, len(data), limit)
	}
	return nil
}
