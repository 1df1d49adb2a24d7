// Package backup is the function that makes backups: every hour it looks which sets are due, and sends itself the steps,
// one message each; see package shared/backup/backupdb for what they do and promise.
//
// An operator who does not want to wait publishes {"now":true} on the topic, or {"sets":["hot"],"now":true}.
package backup
