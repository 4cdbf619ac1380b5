A bronze general who vanished from his plinth in Castle Square eight years ago has been found standing in a suburban rose bed, with a hanging basket on his sword.

The nine-foot statue of Sir Montague Feversham-Bligh was taken in 2005 by men in fluorescent jackets who told passers-by that he was going to be cleaned.

He turned up on Monday when a meter reader, who happens to be a keen local historian, walked through a side gate in Laburnum Avenue and came face to face with him.

The householder, 70-year-old Reg Tolhurst, told police that he had bought the figure for £150 at a car boot sale and had taken it for concrete.

'I thought he was a gnome,' said Mr Tolhurst. 'A big one.'

Officers accept that he acted in good faith, and no one is to be charged. The statue, insured for £45,000, will go back to the square once a new and heavier bolt has been made.

Mr Tolhurst has asked for permission to visit. His wife, who never cared for the general, has asked for the space by the roses to be turned into a pond.

@highlight

A statue stolen from Castle Square in 2005 was found in a garden

@highlight

A meter reader with an interest in local history recognised the bronze general

@highlight

Reg Tolhurst had bought it for £150 and thought it was concrete
