Two generations of children have crossed Furnace Road behind the outstretched pole of Wilf Danbury. On Friday, at the age of 90, he saw the last of them safely over and handed it in.

Mr Danbury took the job in 1988, soon after he retired from the steelworks, because he wanted something to get him out of the house in the mornings. He has missed four days in 25 years, three of them for a hip.

By his own reckoning he has stopped the traffic some 190,000 times. Only one driver ever failed to halt, in 1996. 'I had his number written down before he reached the corner,' he said. 'He came back the next day with a box of biscuits.'

Pupils at Furnace Road Primary lined both pavements to clap him. Many of their parents had been led across by him too, and one father of three asked to be taken over the road once more.

The head teacher, Mrs Anjali Desmond, gave him a garden bench painted in the yellow of his coat.

No replacement has been found. The post pays £7.20 an hour, and the council said that it had received one application, from Mr Danbury.

@highlight

Crossing attendant Wilf Danbury has retired at 90 after 25 years on Furnace Road

@highlight

He reckons that he stopped the traffic some 190,000 times

@highlight

The only application for his post came from Mr Danbury himself
