A night nurse who wore a pedometer for a year has found that she walked the length of the country six times without leaving her ward.

Comfort Adeyinka-Rowe, 44, covered 3,650 miles on the corridors of St Bride's Hospital in Wexley, an average of 20 miles for every twelve-hour shift.

She began counting after a patient asked her, at four in the morning, whether she ever sat down. 'I said of course I do, and then I tried to remember when,' she said.

Her record was 27 miles on the night of a burst water pipe, when thirty beds had to be moved to another floor. Her lowest was nine, during a snowstorm in which no visitors could reach the building.

Managers have taken notice. After she showed them a map of her routes, they moved the linen store from the far end of the corridor to the middle, which has cut four miles from every shift.

Mrs Adeyinka-Rowe has worn out five pairs of shoes. The hospital has offered to pay for the sixth.

@highlight

Night nurse Comfort Adeyinka-Rowe walked 3,650 miles on her ward in a year

@highlight

Her record was 27 miles on the night when a pipe burst

@highlight

Moving the linen store has cut four miles from every shift
