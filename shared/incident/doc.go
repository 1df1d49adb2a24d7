// Package incident holds what the hub says when something is wrong with it: incidents and their updates, what Cloud
// Monitoring tells of, what tenants report, and whom to tell of a weakness. It is pure; package incident/incidentdb
// keeps it.
//
// # From alerts to incidents
//
// Monitoring tells of every alert that opens or closes, in any order and more than once. People want one incident for
// one trouble. So alerts are gathered into a [Signal] by what they are about: the label `group` of their policy, or its
// label `function`. The first alert of a signal begins an incident; the others join it. It ends once all of them have
// been closed for [QuietFor]: alerts that come and go in between neither end it nor begin another, and customers are told
// twice and not twenty times.
//
// An alert policy says by its label `impact` how bad it is for customers: minor, major or critical. Without one it is
// for operators only, kept and audited but shown to nobody.
//
// # Words
//
// Titles and messages are written by operators for everybody. What Monitoring writes by itself names projects and
// metrics; none of it is shown. The subject of a policy's documentation is the title, or the hub's own words.
package incident
