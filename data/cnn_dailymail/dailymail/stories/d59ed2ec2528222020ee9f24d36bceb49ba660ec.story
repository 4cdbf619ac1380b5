Passengers on a heritage railway were stranded for five hours after the engine's fireman walked off in a row about a cheese sandwich.

The 10.15 from Marlock to Pennyfold had stopped to take on water at Garth Halt when volunteer fireman Keith Rudge found that the lunch left for him on the footplate contained mustard, to which he had objected several times in writing.

Mr Rudge, 58, took off his cap, hung it on the whistle lever and went home by bus. Railway rules do not allow a steam engine to move without a fireman, and the nearest qualified replacement was at a wedding.

The 86 passengers made the best of it. A retired schoolteacher organised a quiz, the station cat was photographed 'several hundred times', and a family from Oldcastle shared out a birthday cake.

The replacement, still in his morning suit, arrived by taxi at half past three and shovelled coal in his waistcoat all the way to Pennyfold.

A spokesman for the railway said that every ticket would be refunded. Mr Rudge has been asked to attend a meeting of the catering committee, of which he is the chairman.

@highlight

Volunteer fireman Keith Rudge left a steam train over mustard in his sandwich

@highlight

The 86 passengers were stranded at Garth Halt for five hours

@highlight

A replacement fireman came by taxi from a wedding in his morning suit
