(CNN) -- When the Ravensholm Community Orchestra gave its first concert on Thursday, no one in the string section could hear the applause. They could feel it through the floor.

Every one of the 28 players is deaf or hard of hearing. They rehearse on a sprung wooden stage built above an old swimming pool, in bare feet, and the conductor keeps time with a lamp on each wrist.

"People ask me how they can play in tune," said conductor Benedikt Oyelaran, who lost his own hearing at 30. "They put a finger on the body of the instrument. A note that is wrong is rough, and a note that is right is smooth, like a table that somebody has sanded."

The program was short: two dances, a march and a new piece, "Pool," written for the group by the composer Freya Lindholm. In one passage the basses play so low that most of the audience felt it rather than heard it, and several people laughed out loud in surprise.

The hall was full. Many in the audience had taken off their own shoes at the door, and by the second dance a row of children were lying flat on their backs on the boards, grinning at the ceiling.

Cellist Marguerite Fonseca, 61, had not touched her instrument since an illness in 1999. "I thought music was a room I had been locked out of," she said. "It turns out there was a door in the floor."

@highlight

All 28 players in the Ravensholm orchestra are deaf or hard of hearing

@highlight

They play barefoot on a sprung stage to feel the notes through the floor

@highlight

The conductor keeps time with a lamp on each wrist
