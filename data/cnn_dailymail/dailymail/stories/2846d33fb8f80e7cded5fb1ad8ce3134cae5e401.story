Leading by almost a minute with three miles to go, Bethan Morlais was on course for the biggest win of her life. Then she heard bleating.

The 29-year-old vet left the route of the Three Fells Marathon, climbed over a gate and pulled a lamb out of a flooded drain. By the time she was running again she was fourth, and her left arm was numb with cold.

She finished third, in two hours 51 minutes, to the loudest cheer of the afternoon.

‘I did think about it for a second or two,’ she said, wrapped in a foil blanket. ‘I thought, somebody behind me will stop. And then I thought, they are all accountants.’

The winner, Suzanne Keech, who is indeed an accountant, said that she had not heard the lamb and felt dreadful. She has offered Miss Morlais the trophy for six months of the year.

Farmer Huw Tregarth, whose lamb it was, was watching from the finish and knew nothing about it until evening. He has named the animal Podium.

Organisers are considering a rule that would allow time spent rescuing livestock to be deducted.

@highlight

Bethan Morlais was leading the Three Fells Marathon when she stopped to save a lamb

@highlight

She finished third in two hours 51 minutes

@highlight

Winner Suzanne Keech has offered to share the trophy with her
