// Package storage is Cloud Storage in one process: the JSON API on a loopback port, as the real client uses it, and reading
// as the XML API does. With a directory, objects are files below it; without, they are in memory.
//
//   - Conditions on generations and metagenerations are heeded on writing, reading, changing, copying and deleting: 412
//     where one does not hold, 304 for a reader whose version is still the present one. Of many who create the same object
//     exactly one wins. A generation is never given twice, and what changes metadata leaves it.
//   - CRC-32C and MD5 that are sent, in the resource or in a header, are compared; a wrong one answers 400 and leaves nothing
//     behind. Every object carries both of its own.
//   - A bucket's retention policy and an object's holds keep it from being deleted or replaced: 403. A policy that is locked
//     can only become longer.
//   - Lists come sorted by name, by prefix and delimiter, from one name up to another, in pages. They have no checksums, as
//     those of objects that are encrypted with a key in KMS. What is asked for by field names comes alone.
//   - Uploads come in one request or in chunks; reads can be of a part.
//
// # What survives
//
// With a directory, what was answered survives a kill and a loss of power: an object and what is known of it are one file,
// which is synced and then renamed into its place. So an object is there whole, as it was before, or not at all. An upload
// in chunks that has not ended is forgotten, and its sender begins again. A file that was damaged is an error at the
// start, which names it.
//
// # Where it differs
//
// One generation per object: no versions, no soft delete. No lifecycle rules and no retention of single objects: asking for
// them is refused, not ignored. No storage classes, encryption keys of the caller's, access control, notifications,
// composing and batches. Everybody may do everything.
//
// # Why not fake-gcs-server
//
// The library that stood here before looks at conditions on uploads only, knows no retention, makes a new generation of
// every change of metadata, and over a directory writes an object first and its metadata afterwards: a kill between the
// two left a bucket that could not be listed any more. There an object "a" also excludes an object "a/b", and a name with
// ".." leaves the directory. Covering each of these from outside came to more than what the hub needs of the API.
package storage
