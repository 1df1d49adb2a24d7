// Package evidence holds what the hub can show for what it claims: for every kind of evidence the newest one, with its
// time and a few plain facts. It is pure; package evidence/evidencedb keeps it.
//
// A claim on the trust page is a sentence and the evidence that it stands on. Whoever does what is claimed records it
// right after it was done: the backup its set, the sealer its checkpoint, the drill how long the restore took. Nobody
// records an intention, and nothing is claimed from a configuration alone.
//
// What is not there is no fact of 0: the fact is left out, and the rule says what the lack of it means.
//
// Recording is bookkeeping and no act: it changes nothing for anybody. It is public in the end, so facts hold counts,
// ages and ids of the hub itself, never a tenant, a person or a guest.
package evidence
