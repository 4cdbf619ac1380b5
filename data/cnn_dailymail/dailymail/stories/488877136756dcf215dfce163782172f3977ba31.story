A hedgehog hospital run from a converted ice-cream van has put up its 'full' sign for the first time after the mild autumn sent hundreds of underweight youngsters out in search of food.

Volunteer Maureen Tippett, 59, has 73 of the animals in her care at Lower Quarley. They occupy the van, two sheds, a conservatory and, since last weekend, the bath.

'I shower at my sister's,' she said.

A hedgehog needs to weigh at least a pound to survive the winter. Many of this year's second litters weigh less than half that, because warm weather in October persuaded their mothers to breed again.

Each patient is weighed daily and fed on cat biscuits, at a cost of £85 a week. Those that reach the target are put into straw-filled boxes and left to sleep until March.

She has asked for newspapers, which are used as bedding. The hedgehogs, she says, have no preference as to politics.

@highlight

Maureen Tippett's hedgehog hospital is full for the first time

@highlight

She has 73 underweight animals in her care at Lower Quarley

@highlight

A mild October led mothers to breed again

@highlight

Feeding the patients costs £85 a week
