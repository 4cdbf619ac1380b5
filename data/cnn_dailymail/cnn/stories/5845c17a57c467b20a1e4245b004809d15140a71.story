UPPER VASK, Morania (CNN) -- The two mountain towns of Upper and Lower Vask have argued for a century about which of them invented the dark, caraway-scented loaf known as vaskan. On Saturday a historian told them that it was neither.

The loaf, said Professor Emeric Toll, was brought to the valley by a traveling regiment in 1742. He has found the recipe in an army quartermaster's notebook, together with a complaint about the price of the seeds.

More is at stake than pride. Each town had applied to have its name protected by law, so that bakers elsewhere could not use it. A decision was due in the fall.

By evening the two mayors, who had not spoken since 2009, had shared a table, a loaf and a bottle. They intend to file a joint application and to appeal against the historian.

@highlight

Upper and Lower Vask both claim to have invented a dark caraway loaf

@highlight

A historian says an army regiment brought the recipe in 1742

@highlight

The rival mayors now plan a joint application for legal protection
