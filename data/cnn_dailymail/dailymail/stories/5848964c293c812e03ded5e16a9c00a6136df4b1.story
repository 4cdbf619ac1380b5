Divers clearing a half-mile stretch of the Ashwick Canal have brought up 417 shopping trolleys, a number that exceeds those still in use at the supermarket beside it.

The canal was drained this month for the first time in 40 years so that a lock could be mended. In the mud lay trolleys of every age, from wire baskets of the 1970s to a model introduced only last spring.

The full list of what was found:

Shopping trolleys, 417. Bicycles, 88. Traffic cones, 63. Safes, all of them open and empty, 5. A church bell. A dentist's chair. One set of false teeth, at some distance from the chair.

The bell has been claimed by St Olave's, where it had been missing since 1983.

'We had always assumed it was stolen by professionals,' said the churchwarden, Enid Pask. 'It was forty yards away.'

The supermarket, Fairley's, has agreed to pay £9,000 towards the clean-up and to fit its trolleys with wheels that lock when they leave the car park.

@highlight

Divers found 417 shopping trolleys in half a mile of the Ashwick Canal

@highlight

The canal was drained for the first time in 40 years to mend a lock

@highlight

A church bell missing since 1983 was among the finds

@highlight

Fairley's will pay £9,000 and fit wheels that lock
