By

Edmund Sample

PUBLISHED:

08:00 EST, 13 September 2013

|

UPDATED:

08:26 EST, 13 September 2013

A bus company has given in to superstition and scrapped its Number 13 service. It will run instead as the 12B.

Passengers on the route between Gallow Hill and Blackmoor Cemetery had often complained that it was unlucky. Northmoor Omnibus kept a record, and on inspection it made difficult reading.

Since 2008 the 13 has broken down 91 times, against an average of 26 for other routes. It has been hit by a falling sign, a loose cow and, on two occasions, another Number 13.

The firm's own engineers put it down to the hill, which is the steepest in the county, and to the buses, which are the oldest in the fleet. 'There is no curse,' said operations manager Trevor Haddon. 'There is a gearbox.'

Drivers disagree. Eight of the 11 on the rota have asked to be moved, and one will only take the wheel with a horseshoe on the dashboard.

New signs were due to go up this morning, which is Friday the 13th. The van that was carrying them broke down on Gallow Hill.

@highlight

Northmoor Omnibus has renamed its Number 13 bus the 12B

@highlight

The route has broken down 91 times since 2008

@highlight

Engineers blame a steep hill and the oldest buses in the fleet

@highlight

A van carrying the new signs broke down on Gallow Hill
