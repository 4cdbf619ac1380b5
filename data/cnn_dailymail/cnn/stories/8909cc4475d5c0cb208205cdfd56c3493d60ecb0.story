(CNN) -- The ferry from Stennick to the island of Oe takes eleven hours to cover 44 miles, and the people who ride it would like you to stop asking why.

"It isn't slow," said Captain Wilma Strand, easing the 60-year-old Perpetua past a sandbank at the pace of a brisk walk. "It's thorough."

The boat stops at nine islands, six of them with fewer than twenty inhabitants. At each one it delivers whatever has been ordered: on the day of my visit, a bathtub, forty hens, a wedding dress and the mail. On Lesser Quill a man rowed out to collect a single light bulb, and stayed for coffee.

There is no cabin class. Passengers sit on the deck among the crates, or in a saloon with green leather benches and a piano that is tuned once a year, in May.

A faster service was tried in 1998. A catamaran made the crossing in ninety minutes, but it could not land at the small piers, and it broke so many windows with its wake that the islanders asked for it to be withdrawn.

A one-way ticket costs 14 crowns. Soup is included.

@highlight

The ferry from Stennick to Oe takes eleven hours to go 44 miles

@highlight

It stops at nine islands to deliver mail, animals and furniture

@highlight

A fast catamaran was tried in 1998 and withdrawn after islanders complained
