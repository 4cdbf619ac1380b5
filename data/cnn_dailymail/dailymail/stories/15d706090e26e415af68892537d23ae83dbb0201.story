A father who spent £4,000 on a treehouse for his twins has been ordered to pull it down because it overlooks the garden of the head of planning.

Shaun Levick, 40, a roofer, built the two-storey den in an oak at the bottom of his garden in Marl End. It has a slide, a rope bridge, and a balcony with what he calls 'a nice view of nothing'.

The nothing turned out to be the patio of Councillor Desmond Ark, who chairs the planning committee of Westbourne District Council.

A letter came eleven days later. It said that the structure was 'out of character with the oak'.

Mr Levick has appealed, and 1,900 people have signed a petition in his support. 'I offered to put up a blind,' he said. 'I offered to turn the whole thing round. He told me that trees don't turn.'

Councillor Ark said he had played no part in the decision and had left the room while it was discussed. Minutes of the meeting show that he was out for four minutes.

A planning inspector will visit in June. The twins, Poppy and Jake, six, have offered him the slide.

@highlight

Shaun Levick was ordered to demolish a £4,000 treehouse built for his twins

@highlight

It overlooks the patio of the planning committee's chairman

@highlight

Some 1,900 people have signed a petition to keep it
