// Package phone writes telephone numbers in one way, E.164, so that the same guest is found again however a channel
// spelled the number.
//
// # Decision: a table of our own, the library as its judge
//
// Google's libphonenumber rules decide, in their Go port github.com/nyaruka/phonenumbers. Linking the port costs every
// process 6 to 10 ms and 1.3 MiB before main begins (35,500 allocations to unpack the metadata of all uses; measured
// with GODEBUG=inittrace=1 on the development machine, version 1.8.1, where a bare process starts in 1 ms), and the
// orders function has little room between its start and its bar. Formatting, carriers, validity by kind and so on are
// not needed here.
//
// So the few columns that parsing needs are written to numbering.tsv, 17 KB, which costs nothing until the first number
// is read; then the table is split once and a country's rules are compiled when it is first met: 0.3 to 0.4 ms for the
// first number, about 0.1 ms for another country's first, 1 µs for any other, and 0.2 MiB after three countries. The
// tests link the library: one compares the table with its metadata (and rewrites it with -update), others hold every
// parse against the library's own for all countries.
//
// A number is taken when its length is possible in its country, not only when its range is known to be in use:
// operators open new ranges faster than tables follow, and a guest must be found by such a number too.
package phone

//go:generate go test -run TestTheTableIsTheLibrarys -update .
