By

Felicity Sample

PUBLISHED:

17:22 EST, 11 July 2013

|

UPDATED:

03:08 EST, 12 July 2013

Three generations of brides have walked down the same aisle in the same dress, and each of them was wearing it for a bet.

The gown was sewn from a silk parachute in 1947 by Edie Marchbanks, now 88. Her sister had wagered five shillings that she could not make a wedding dress in a week. She did it in six days and was married on the seventh.

In 1974 her daughter, Carol, was told by a cousin that she would never get into it. She gave up cake for four months. 'I won a pound,' Carol said, 'and I ate it on the way to the reception.'

Last Saturday it was the turn of Carol's daughter, 27-year-old Georgina, whose fiancé had bet that the zip would not last through the dancing. It held until the second-to-last song.

There is a small burn on the hem from a candle in 1947, a wine stain from 1974, and now a torn cuff. None of them will be mended.

'Those aren't damage,' said Mrs Marchbanks. 'Those are the minutes of the meeting.'

@highlight

Edie Marchbanks sewed the dress from a silk parachute in 1947

@highlight

Her daughter Carol wore it in 1974 and her granddaughter Georgina last Saturday

@highlight

All three brides wore the gown because of a bet
