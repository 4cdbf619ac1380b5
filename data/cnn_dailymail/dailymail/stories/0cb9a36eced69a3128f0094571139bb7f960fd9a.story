By

Oliver Sample

PUBLISHED:

06:15 EST, 19 August 2013

|

UPDATED:

09:52 EST, 19 August 2013

A schoolboy has spent two years drawing a map of every public bench in his city because his grandmother could not walk far without sitting down.

Idris Calloway, 15, has logged 2,318 benches in Hallamstow, noting for each one whether it has a back, arms to push up on, and shade after midday.

He found that some streets were far worse off than others. The hilly district of Upper Fenton, where one resident in three is over 65, has a bench every 900 yards. The business park by the river has one every 60.

'Nobody sits on those,' he said. 'They face a roundabout.'

The city council has now put his map on its website and has promised to move 40 benches before Christmas. A spokesman confirmed that the roundabout would lose most of its seating.

His grandmother, Lorna Calloway, 79, has been given a say in where the first one will go. She has chosen a spot outside the library, halfway up Tanner's Hill.

'It has a view of the whole valley,' she said. 'And of the bakery.'

@highlight

Idris Calloway, 15, has mapped all 2,318 public benches in Hallamstow

@highlight

He started because his grandmother could not walk far without a rest

@highlight

Upper Fenton, with many older residents, has one only every 900 yards

@highlight

The council has promised to move 40 benches before Christmas
