(CNN) -- The 118 people of Sulisgeir Mor woke up on Wednesday as the owners of the ground beneath them, having bought their island from an absent landlord for 2.3 million pounds.

The deal ends a quarrel of almost thirty years. The last owner, a hedge fund registered in a country with no coastline, had never sent anyone to visit. Residents needed its written consent to dig a well or repair a roof, and the letters often went unanswered.

Most of the price came from a national land fund. The islanders raised the remaining 190,000 pounds through raffles, a calendar, and the sale of a stranded whale’s jawbone to a museum.

At a minute past midnight a bonfire was lit on the hill, and the oldest inhabitant, Effie MacAskail, 96, was handed a spade. She cut one turf, looked at it, and put it back.

Next comes the hard part. The pier is crumbling, the school has four pupils, and the only store opens when its owner is not fishing. A board of seven was elected last month and has plans for three wind turbines and eight new houses.

There will be rows. The first, about whether sheep may graze the football pitch, took place at the bonfire and was settled by a show of hands, 61 to 40, in favor of the sheep.

“From now on,” said its chairwoman, Isla Fenwick, “we can only complain to ourselves.”

@highlight

The 118 residents of Sulisgeir Mor have bought their island

@highlight

Their absent landlord was a hedge fund that never sent anyone to visit

@highlight

A national land fund paid most of the 2.3 million pound price

@highlight

A new board plans three wind turbines and eight houses
