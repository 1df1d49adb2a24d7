// Package backup is the function that makes backups: every hour it looks which sets are due, and sends itself the steps,
// one message each; see package shared/backup/backupdb for what they do and promise.
//
// Beside it are verify, which checks once an hour what is kept, and drill, which restores the newest backup into a scratch
// database once a week; both record what they found, where the trust page and the alerts read it.
//
// An operator who does not want to wait publishes {"now":true} on the topic, or {"sets":["hot"],"now":true}.
package backup
