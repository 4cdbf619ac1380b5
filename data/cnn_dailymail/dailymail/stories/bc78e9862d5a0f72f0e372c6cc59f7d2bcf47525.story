By

Jane Placeholder

PUBLISHED:

11:03 EST, 4 May 2013

|

UPDATED:

12:40 EST, 4 May 2013

A village choir has bought its local pub for £285,000 after discovering that it was the only building for miles with a decent echo.

The Drunken Thrush in Nether Cobley had been up for sale for two years when the 34 members of the Cobley Singers, who rehearse in its skittle alley every Thursday, learned that a developer planned to turn it into flats.

They sold shares at £50 each, held a sponsored sing that lasted 26 hours, and persuaded a retired dentist to lend them the last £40,000 at no interest.

'I told them I wanted the money back before I am 90,' said the dentist, Maurice Fenn, who is 81 and a bass. 'And that I was never to be asked to sing Danny Boy again.'

The pub reopens on Saturday with a new landlady, Petra Dunmore, who cannot sing a note. Members voted for her by a large majority.

Drinkers who join in a chorus will be given ten pence off a pint. Those who bring a mobile phone into the skittle alley during rehearsal will be charged ten pence more.

@highlight

Cobley Singers bought The Drunken Thrush in Nether Cobley for £285,000

@highlight

They raised money with £50 shares and a 26-hour sponsored sing

@highlight

A retired dentist who sings bass lent the last £40,000 without interest

@highlight

Drinkers who join in a chorus will get ten pence off a pint
