// Package storage is Cloud Storage in one process.
package storage
