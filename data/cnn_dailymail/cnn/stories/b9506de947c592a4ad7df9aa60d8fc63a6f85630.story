HOCHWIND PASS (CNN) -- Four skiers buried by an avalanche above the Hochwind Pass were dug out alive on Thursday after two rescue dogs found them in the space of nineteen minutes.

The slide broke loose at 10:50 a.m. on a slope that had been closed since the weekend. Mountain police said that the group, all of them experienced, had ducked under a rope to reach fresh snow.

A fifth member of the party, who had stopped to fix a binding, saw the snow go and raised the alarm. A helicopter with two handlers and their dogs, Brio and Sanna, was overhead within twelve minutes.

Sanna, a seven-year-old collie, marked the first skier almost at once. The last was found by Brio under six feet of snow, with a pocket of air no bigger than a shoebox in front of his face.

All four were treated for cold. One has a broken leg.

"They were very lucky, and they were also very foolish," said rescue chief Anselm Greder. "The dogs do not make the distinction. I do."

The avalanche warning stands at four on a scale of five. The skiers face fines of up to 3,000 francs each.

@highlight

Four skiers survive after being buried by an avalanche at Hochwind Pass

@highlight

Rescue dogs Brio and Sanna found all of them in nineteen minutes

@highlight

The group had ducked under a rope onto a closed slope

@highlight

They may be fined up to 3,000 francs each
