A marrow weighing more than a newborn calf has been thrown out of a village show after judges found that it had been filled with wet sand.

The vegetable, entered by Clive Bartram at the Long Tunstead Horticultural Fair, tipped the scales at 98lb and would have beaten the county record by almost a stone.

Suspicion fell on it when it was lifted from the table. 'It sloshed,' said steward Pauline Vickery, who has judged the show for 31 years. 'A marrow may creak. It should not slosh.'

A knitting needle was called for, and a thin stream of sand ran out over the tablecloth. Beneath a neat plug of candle wax the judges found a hole about the width of a broom handle.

Mr Bartram, 55, a plasterer, at first blamed slugs. He later admitted the deception and has been banned from the show for five years.

The prize of £25 and a garden fork went to Molly Sayer, aged nine, for a marrow of 41lb that she had grown in an old bath.

She said she was pleased with the fork, and that she had never liked marrow.

@highlight

Clive Bartram's 98lb marrow was found to be filled with wet sand

@highlight

Judges at Long Tunstead became suspicious when it sloshed

@highlight

He admitted the deception and is banned for five years

@highlight

The prize went to nine-year-old Molly Sayer for a 41lb marrow
