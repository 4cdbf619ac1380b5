(CNN) -- Bluefinch Air will let passengers bid against one another for the armrest, the small airline said on Thursday, in what consumer groups called a new low.

From July, travelers in a middle seat on any of its 34 routes will be able to make an offer by phone app for the right to both armrests. Those on either side may bid to keep them. The auction ends ten minutes before boarding, and the winner is given a colored band to clip over the rest.

"There has always been a contest for that space," said chief executive Roderick Vane. "We have merely put a price on it and taken the elbows out."

During a six-week trial between Cardle and Fort Ismay, the average winning bid was $4.10. The highest was $62, paid by a man who was seated next to his former brother-in-law.

The Air Travelers' League said that it would file a complaint. "First it was bags, then water, then the window blind," said its director, Pilar Quintero-Shaw. "One wonders what they will do about the air."

Bluefinch lost 18 million dollars last year. Vane expects the auctions to bring in five million.

@highlight

Bluefinch Air will let passengers bid for armrests on all 34 routes

@highlight

The average winning bid in a six-week trial was $4.10

@highlight

The Air Travelers' League says that it will file a complaint

@highlight

The airline lost 18 million dollars last year
