GARROW FALLS, Minnehaw (CNN) -- For eleven days the computers of the town of Garrow Falls belonged to somebody else. The intruder changed the traffic lights to an hour's delay, renamed every street on the official map after a kind of pasta, and asked for 50 dollars.

Town officials did not pay. They could not find out how, said clerk Yvonne Petrie, because the demand had been sent to an address that nobody had checked since 2006.

Investigators said on Wednesday that the break-in had been easy. The password for the main server was the name of the town, followed by the figure one. It had been written on a card, and the card could be read in a photograph on the town's own website.

A 17-year-old from a neighboring county has been charged in juvenile court. He told police that he had been trying to get a speeding ticket cancelled for his sister.

The damage is put at 83,000 dollars, most of it for two weeks of overtime by police officers who directed traffic by hand.

The town has new passwords. It has also kept one of the changes, after a vote: the short lane behind the bakery is to remain Fusilli Street.

@highlight

An intruder controlled the computers of Garrow Falls for eleven days

@highlight

The server password was the town's name followed by the figure one

@highlight

A 17-year-old has been charged in juvenile court

@highlight

The town voted to keep one renamed lane as Fusilli Street
