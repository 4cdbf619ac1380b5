By

Harriet Placeholder

PUBLISHED:

19:44 EST, 2 January 2014

|

UPDATED:

20:31 EST, 2 January 2014

Mountain rescuers have appealed for common sense after they were called to a man who had set off up a snow-covered peak in flip-flops, following a route he had found on the back of a cereal packet.

The 31-year-old from Dunsworth was brought down from 2,700 feet on Carn Ddu on New Year's Day by a team of 19 volunteers, several of whom had been called away from their dinner.

He had a carrier bag with a banana, a phone charger without a phone, and the cereal packet, whose map was meant to show the way to a buried pirate chest.

'He was polite and extremely cold,' said team leader Gethin Rowlands. 'He told us that he had expected there would be a café.'

The operation lasted seven hours. The man lost no toes, though doctors say that it was close with two of them.

The makers of the cereal, Golden Hoops, said that the map was meant for children under eight and showed an island. It has been withdrawn.

The team was called out 142 times last year, up from 97 the year before. Mr Rowlands said that about a third of the walkers had no map, and that until now he had regarded any map as better than none.

@highlight

A man in flip-flops was rescued from Carn Ddu on New Year's Day

@highlight

He was following a treasure map printed on a cereal packet

@highlight

Nineteen volunteers took seven hours to bring him down

@highlight

The team was called out 142 times last year, up from 97
