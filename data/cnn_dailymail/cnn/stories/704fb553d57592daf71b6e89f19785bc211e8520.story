PORT ELSEN, Norland (CNN) -- The iron swing bridge that joins the two halves of Port Elsen opened to traffic again on Friday, fourteen months after a grain barge struck its central pier in fog.

A brass band marched across first, followed by a line of delivery vans whose drivers had been making a 19-mile detour since March of last year. By noon the harbor police had counted more than 4,000 vehicles.

The repair cost 31 million crowns, about a third more than the city council had set aside. Engineers blamed the overrun on the pier's foundations, which turned out to rest on oak piles and not on the rock shown in the original drawings of 1911.

"We found timber where we expected granite," said chief engineer Marta Lindqvar. "It was in better condition than some of the steel, but you cannot sign off a bridge on a pleasant surprise."

The barge's owner, Tessel Grain, has agreed to pay half of the bill. The council will raise the rest with a toll on trucks, to be charged from September. Cars, buses and bicycles will continue to cross free.

@highlight

Port Elsen's swing bridge reopens 14 months after a barge hit its central pier

@highlight

Engineers found oak piles under the pier where drawings had shown rock

@highlight

Barge owner will pay half of the 31 million crown repair bill

@highlight

A toll on trucks from September will cover the remainder
