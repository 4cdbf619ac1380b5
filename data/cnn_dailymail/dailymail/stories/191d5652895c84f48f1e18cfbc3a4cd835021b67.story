What do you do with the heat from 6,000 computers? In the flat fields outside Wisborne, they grow tomatoes with it.

For the past year, warm air from a data centre has been blown through a buried pipe into the glasshouse of grower Anneke Vanderlyn, 300 yards away. It arrives at 29 degrees, day and night, and has cut her heating bill from £210,000 to £36,000.

‘In January I used to lie awake and listen to the boiler burning money,’ said Mrs Vanderlyn, 52. ‘Now I listen for the traffic on the internet. When people stay in and watch films, my plants are happy.’

The link works both ways. Cool air goes back from the glasshouse to the computers, which saves the owner, Corvus Hosting, an eighth of the power it would have spent on fans.

There have been mishaps. In June a software update made the machines so efficient that the glasshouse fell to 14 degrees, and 2,000 plants were lost. The two firms have now agreed that engineers will telephone first.

This summer’s crop came to 410 tonnes, her best yet. Each box carries a small picture of a plug.

@highlight

Heat from a data centre warms a tomato glasshouse outside Wisborne

@highlight

Anneke Vanderlyn’s heating bill has fallen from £210,000 to £36,000

@highlight

A software update in June cooled the glasshouse and killed 2,000 plants
