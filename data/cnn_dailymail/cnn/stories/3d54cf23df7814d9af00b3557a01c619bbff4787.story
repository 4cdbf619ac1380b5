SALT FERRY, Ostrava Bay (CNN) -- A mayoral election decided by a single vote will be counted for a third time on Saturday, after a judge ruled that a ballot found inside a folded tablecloth must be opened.

Incumbent Dorian Pell led challenger Agnes Whitlow by 2,204 votes to 2,203 when the first count ended on September 9. A recount three days later gave the same result.

Then a volunteer who was returning borrowed linen to the church hall shook out a cloth and a sealed ballot fell to the floor. Both campaigns agree that it is genuine. They disagree about whether it was ever properly cast.

"A vote does not lose its voice because somebody laid a table on it," Judge Hanna Corriveau wrote in her ruling, adding that the paper carried the stamp of the polling station and the initials of two clerks.

If the ballot is for Whitlow, the race will be tied. Under the town's charter, a tie is broken by drawing a name from a fisherman's hat, a procedure last used in 1934.

The hat is kept in the town museum. Its curator said that it had been cleaned, just in case.

@highlight

A judge orders a ballot found in a tablecloth to be opened and counted

@highlight

The incumbent mayor leads by a single vote after two counts

@highlight

A tie would be settled by drawing a name from a fisherman's hat
