// Package storage is Cloud Storage in one process: fake-gcs-server as a library, on a loopback port, for the real
// client. With a directory, objects are files below it; without, they are in memory.
//
// What the hub builds on was tried through the real client, in memory and over a directory, and holds (see the tests):
//
//   - Create-only writes: ifGenerationMatch=0 answers 412 when the object is there, in one request or in chunks, and
//     of many writers at once exactly one wins. Writes at a generation that has passed answer 412 too.
//   - CRC32C: one that is sent with a write is compared, a wrong one answers 400 and leaves nothing behind; every
//     object carries its own.
//   - Lists come by prefix, sorted by name, in pages.
//   - Objects, their metadata and checksums survive a restart.
//
// What is missing:
//
//   - Conditions on anything but an upload are not looked at by the library: a delete at a stale generation would
//     delete. This package refuses them with 400 instead, reads included (a 501 would be retried for ever).
//   - One generation per object: no versions, no soft delete, no retention or holds that would refuse a delete, no
//     lifecycle rules, no storage classes, no permissions.
//   - Objects are stamped with the machine's time, whatever clock the rest of the cloud has.
//   - Files are not synced to the disk: an object survives the end of the process, not that of the power.
package storage
