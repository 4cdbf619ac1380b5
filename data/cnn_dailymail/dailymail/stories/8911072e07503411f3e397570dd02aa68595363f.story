For twelve years Rachel Dunstable fainted every time she went to the hairdresser, and for twelve years she was told that it was nerves.

The 36-year-old teacher from Pellbridge had seen nine doctors, given up coffee, and tried hypnosis. One specialist suggested that she grow her hair.

The answer came from a student on her second day in the clinic. Nadia Farouk-Hayes, 22, asked Miss Dunstable to show her exactly how she sat. When she leaned her head back over the edge of a sink, her pulse fell to 31 and she slid from the chair.

A scan found that an extra rib, no longer than a matchstick, was pressing on an artery in her neck whenever it was bent backwards. About one person in 200 has such a rib, though it rarely does any harm.

It was removed last month in an operation that lasted 50 minutes.

'I was so happy that I cried,' said Miss Dunstable. 'Nine doctors had asked me how I felt. She asked me how I sat.'

She has since had a cut and blow-dry without incident. She kept the rib, and it is in a jar in her classroom, beside the frog.

@highlight

Rachel Dunstable fainted at the hairdresser for twelve years

@highlight

Nine doctors failed to find the cause before a student did

@highlight

A tiny extra rib was pressing on an artery in her neck

@highlight

It was removed in an operation that lasted 50 minutes
