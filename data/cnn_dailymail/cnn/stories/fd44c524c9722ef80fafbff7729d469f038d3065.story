SAN ELADIO, Cordera (CNN) -- The church came first. In May the tip of its bell tower broke the surface of Lake Mirador, and by this week the whole village of Old San Eladio stood in the open for the first time since it was drowned by a dam in 1958.

Two years of drought have lowered the reservoir by 104 feet. It now holds 11 percent of its capacity, and the city of Valmoro, which drinks from it, is two months from running dry.

For some of those who were moved out as children, the low water has been an unlooked-for visit home. On Wednesday Consuelo Ibarra, 71, walked down a cracked mud street to the doorway of her father's shop and stood in it for some time.

"It's so small," she said. "I have been remembering it wrong for 54 years."

The water authority has fenced off the mill and the cemetery, where walls are unstable, and has asked visitors to keep out of the deep mud. Three people had to be pulled free of it last weekend.

Rationing in Valmoro will begin on July 20. Forecasters do not expect rain before October, and when it comes the village will go under again.

Until then there are small dramas every day. Families have brought keys to doors that no longer exist. A man in his eighties found the stump of a fig tree and sat beside it all afternoon with a radio.

@highlight

A village drowned by a dam in 1958 has emerged from Lake Mirador

@highlight

Two years of drought have lowered the reservoir by 104 feet

@highlight

Water rationing in the city of Valmoro begins on July 20

@highlight

Former residents have returned to walk through the old streets
