CAPE FALLOW, Brannock (CNN) -- Freezing rain coated the north coast in up to two inches of ice on Monday, bringing down power lines from Cape Fallow to the Brannock Valley and leaving some 210,000 homes without electricity.

The figures, as released by the regional emergency office at 6 p.m.:

Homes without power: 210,000, down from 260,000 at dawn.

Shelters open: 47, most of them in schools.

Roads closed: 112, including the whole of Route 9 between Dray and Little Anser.

Injuries: 63, nearly all of them from falls. No deaths had been reported.

Forecasters said that the ice would stay until Wednesday at least. A wedge of cold air has settled in the valleys while warm, wet air slides over it, and there is no wind to move either one.

Repair crews from four neighboring regions were due to arrive overnight. The power company asked people to stay at least ten yards from any fallen wire, even if their street was dark.

@highlight

Ice storm leaves about 210,000 homes on the north coast without power

@highlight

Sixty-three people were hurt, mostly in falls, but no deaths are reported

@highlight

Forecasters expect the ice to stay until Wednesday at least
