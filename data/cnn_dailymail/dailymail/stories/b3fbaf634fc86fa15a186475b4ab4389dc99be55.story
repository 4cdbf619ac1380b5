A grandmother who volunteered to check speeding outside her cottage caught 214 drivers in her first month, among them her grandson, her doctor and the bishop.

Beryl Standish, 74, was lent a radar gun by the police in Coldharbour Lane, where the limit is 30mph and where two of her hens have been run over.

She sits in a deckchair from ten until noon, with a flask and a notebook. Drivers who go too fast are sent a warning letter; a second letter brings a visit from an officer.

Her grandson, Nathan, 23, was clocked at 47. 'He waved,' said Mrs Standish. 'I wrote him down, and then I waved back.'

The bishop, who was doing 38, sent a note of apology and a fruit cake. The doctor has not been in touch.

Average speeds in the lane have dropped from 41mph to 31 since April, and Inspector Judith Farraday has asked whether Mrs Standish would care to train others.

She has agreed, on condition that they bring their own chairs. A third hen, she added, has lately begun to cross the road without looking, which she takes as a compliment.

@highlight

Beryl Standish, 74, caught 214 speeding drivers in a month

@highlight

Among them were her grandson, her doctor and the bishop

@highlight

Average speeds in the lane have dropped from 41mph to 31

@highlight

Police have asked her to train other volunteers
