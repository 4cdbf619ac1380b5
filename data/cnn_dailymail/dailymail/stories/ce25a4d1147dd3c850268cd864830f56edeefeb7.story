Families in Weir Street were carried from their homes by tractor yesterday as the River Tolland rose to its highest level since records began in 1922.

Water reached 5.41 metres at the Old Mill gauge shortly after 4am, eleven centimetres above the mark set in 1968. Fifty-three houses were flooded, along with the primary school and the fire station.

'When you see the fire engine floating you know it's serious,' said Craig Lomas, 41, who left with his two daughters, a guinea pig and a tuba.

The council was criticised for running out of sandbags by midnight. It had stocked 2,000, of which some 600 turned out to have rotted. A spokesman said that an inquiry would be held.

Farmer Jim Ballantyne, who drove his tractor along the street eleven times in the dark, refused to be called a hero. 'I was up anyway,' he said. 'Lambing.'

Nobody was hurt. The river was falling slowly by the afternoon, but with another 30mm of rain forecast for tonight, the sports hall will stay open as a shelter.

Volunteers have asked for towels, dog food and, according to a note on the door, no more tinned peaches.

@highlight

River Tolland reached a record 5.41 metres and flooded 53 houses

@highlight

Farmer Jim Ballantyne took families out of Weir Street by tractor

@highlight

The council ran out of sandbags by midnight and will hold an inquiry

@highlight

Nobody was hurt but more rain is forecast
