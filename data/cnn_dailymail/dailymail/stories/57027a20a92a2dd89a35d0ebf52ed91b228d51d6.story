Irene Malkin has seen the beginning of 9,000 films and the end of almost none.

The 86-year-old, who is thought to be the country’s longest-serving usherette, started at the Regal in Thackley as a girl of 16. She was paid 18 shillings a week and all the broken wafers she could eat.

Seventy years on she still tears the tickets at the matinée on Tuesdays and Saturdays. As soon as the lights go down she goes off to fill the ice-cream tray, and so she has never learned how most of the stories turn out.

‘People tell me on the way out,’ she said. ‘They tell me different things. I choose the one I like.’

In that time the Regal has been a bingo hall, a carpet warehouse and, for one uneasy winter, both, and she stayed on to call the numbers and to sell the underlay. It has been a cinema again since 1996, thanks to a group of local people who bought it for £1.

To mark the anniversary, the Regal will show the film that was playing on her first day, a romance called The Tide at Lulworth. A seat has been kept for her in the front row of the circle, and someone else is going to do the ices.

@highlight

Irene Malkin, 86, has worked as an usherette in Thackley for seventy years

@highlight

She misses the end of most films to fill the ice-cream tray

@highlight

The Regal will show the film that was playing on her first day
