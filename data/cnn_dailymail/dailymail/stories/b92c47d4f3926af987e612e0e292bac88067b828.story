The church clock at Ambleford has been seven minutes fast since 1919, and a proposal to correct it has split the town.

The story goes that it was put forward by a stationmaster who was tired of people missing the London train. The railway closed in 1964. The clock was never put back.

Since then Ambleford has lived by it. Shops open by it, the school bell follows it, and newcomers are told to set a second watch. So when clockmaker Iain Cuthbertson, who was hired to clean the works, offered to put it right at no charge, the parish council thought it a formality.

It received 240 letters. 'Nobody was ever late in this town,' wrote one correspondent. 'Why would we throw that away?' Another argued that seven minutes was 'the only thing we have that the cities haven't'.

A smaller party, led by the bus company, would like the correct time. Its drivers have been accused of running late every day for half a century.

A vote will be held on 5 October. Polls shut at 8pm, and the council has yet to say by which clock.

@highlight

The church clock at Ambleford has been seven minutes fast since 1919

@highlight

An offer to correct it brought the parish council 240 letters

@highlight

The local bus company wants the clock to show the right time

@highlight

The town will vote on the change on 5 October
